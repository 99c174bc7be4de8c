"""The checks of an assignment in the process of whoever asks, without a line in between: what
graders do that have none. The questions are those of `autograder grade`, from the same files, with
inputs drawn from the same secret.

    python -m benchmarks.plain FOLDER MODULE ...      the floor: the students' calls, in one process
"""

from __future__ import annotations

import ast
import functools
import inspect
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SECRET = "benchmark"


@dataclass(frozen=True)
class Question:
    """A check with its parameters. task: the function that it is about"""

    name: str
    task: str
    points: float
    check: Callable[..., None]
    parameters: dict[str, Any]


@cache
def questions(folder: Path) -> tuple[Question, ...]:
    """The checks of a staff folder, in their order."""
    from benchmarks.draws import module_at

    found: list[Question] = []
    for file in ("test_public.py", "test_hidden.py"):
        for name, value in vars(module_at(folder / file)).items():
            if name.startswith("test_") and inspect.isfunction(value):
                found += asked(name, value)
    return tuple(found)


def asked(name: str, check: Callable[..., None]) -> Iterator[Question]:
    """A check, once for each of its parameters."""
    marks = {mark.name: mark for mark in getattr(check, "pytestmark", ())}
    task, points = marks["task"].args[0], float(marks["points"].args[0])
    if "parametrize" not in marks:
        yield Question(name, task, points, check, {})
        return
    titles, values = marks["parametrize"].args[:2]
    titles = [title.strip() for title in titles.split(",")] if isinstance(titles, str) else titles
    for value in values:
        value = getattr(value, "values", value)
        value = tuple(value) if isinstance(value, list | tuple) and len(titles) > 1 else value
        given = value if len(titles) > 1 else (value[0] if isinstance(value, tuple) else value,)
        label = "-".join(map(str, given))
        yield Question(
            f"{name}[{label}]", task, points, check, dict(zip(titles, given, strict=True))
        )


def passes(question: Question, functions: dict[str, Callable[..., Any]], folder: Path) -> bool:
    """Whether these functions pass a check."""
    from autograder.grading.curves import Picture
    from autograder.vocabulary import Draw
    from benchmarks.draws import Standin, module_at

    wanted = inspect.signature(question.check).parameters
    given = {
        "student": lambda: Standin(functions),
        "draw": lambda: Draw(SECRET, f"{folder.name}.{question.name}"),
        "reference": lambda: module_at(folder / "solution.py"),
        "picture": lambda: Picture(hidden=True),
    }
    fixtures = {name: make() for name, make in given.items() if name in wanted}
    try:
        question.check(**fixtures, **question.parameters)
    except Exception:
        return False
    except BaseException as error:  # pytest.fail raises what is no Exception
        if type(error).__name__ not in ("Failed", "Skipped"):
            raise
        return False
    return True


def functions_in(namespace: dict[str, Any], folder: Path) -> dict[str, Callable[..., Any]]:
    """The functions of an assignment that a namespace holds."""
    names = {question.task for question in questions(folder)}
    return {name: namespace[name] for name in names if callable(namespace.get(name))}


def points(namespace: dict[str, Any], folder: str, task: str) -> float:
    """The points of one function: the last line of a check cell."""
    there = Path(folder)
    functions = functions_in(namespace, there)
    mine = [question for question in questions(there) if question.task == task]
    return float(sum(one.points for one in mine if passes(one, functions, there)))


def passed(namespace: dict[str, Any], folder: str, name: str) -> bool:
    """Whether one check passes: a case of Otter's."""
    there = Path(folder)
    (question,) = (one for one in questions(there) if one.name == name)
    return passes(question, functions_in(namespace, there), there)


# --- the floor ------------------------------------------------------------------------------------


class Clock:
    """The CPU time that passes inside some functions."""

    def __init__(self) -> None:
        self.seconds, self.calls = 0.0, 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            begin = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds += time.process_time() - begin

        return run


def floor(folder: Path, module: Path) -> dict[str, float]:
    """The CPU seconds of a student's calls when all checks are asked, how many calls that is, and
    what was earned.
    """
    namespace: dict[str, Any] = {"__name__": "student"}
    for statement in ast.parse(module.read_text("utf-8")).body:
        with suppress(Exception):  # one that fails costs itself, as in the sandbox
            exec(compile(ast.Module([statement], []), str(module), "exec"), namespace)
    clock, earned = Clock(), 0.0
    functions = {
        name: clock.timed(function) for name, function in functions_in(namespace, folder).items()
    }
    for question in questions(folder):
        earned += question.points if passes(question, functions, folder) else 0.0
    return {"cpu": clock.seconds, "calls": clock.calls, "earned": earned}


def main() -> None:
    """Print one JSON object a module, after some that warm the process up."""
    begin = time.process_time()
    import torch

    imported = time.process_time() - begin
    torch.set_num_threads(1)
    folder, *modules = map(Path, sys.argv[1:])
    said, sys.stdout = sys.stdout, sys.stderr  # students print
    for module in modules[:2]:
        floor(folder, module)
    results = [floor(folder, module) for module in modules]
    print(json.dumps({"import_torch": imported, "modules": results}), file=said)


if __name__ == "__main__":
    main()
