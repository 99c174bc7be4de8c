"""The ladder as students receive it: what is right on each rung, from the solution.

    ladder.json            each rung, and what every right answer gives there, from each start that
                           another order of drawing makes
    ladder_properties.py   what right answers have in common where they give different results
    kit_alike.py, kit_smallest.py   how the grader compares, and tells it
    kit_demonstrations.py           what it reads of demonstrations

The numbers are of one machine: they are made anew where solution, bases or ladder have changed, and
not because another machine rounds otherwise.
"""

from __future__ import annotations

import hashlib
import importlib
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.assignment import ENGINE, Assignment
from autograder.errors import AuthoringError

if TYPE_CHECKING:
    import torch

    from autograder.authoring.student_kit.kit_ladder import Reply
    from autograder.grading.ladder import Rung

LADDER, PROPERTIES = "ladder.json", "ladder_properties.py"
SHARED = {  # of grading/
    "kit_alike.py": "alike.py",
    "kit_smallest.py": "smallest.py",
    "kit_demonstrations.py": "demonstrations.py",
}
FORMAT = 1  # of ladder.json


def ladder_files(assignment: Assignment) -> dict[str, bytes]:
    """The files of the ladder by their names; the shared ones alone where there is no ladder."""
    files = {name: (ENGINE / "grading" / own).read_bytes() for name, own in SHARED.items()}
    if not (assignment.folder / "ladder.toml").is_file():
        return files
    properties = assignment.folder / "properties.py"
    if properties.is_file():
        files[PROPERTIES] = properties.read_bytes()
    made_of = digest(assignment)
    files[LADDER] = released(assignment, made_of) or made(assignment, made_of)
    return files


def digest(assignment: Assignment) -> str:
    """Changes with anything that the ladder's numbers depend on."""
    files = [assignment.folder / "ladder.toml", assignment.solution]
    files += [base.path for base in assignment.bases]
    digest = hashlib.sha256(f"{FORMAT} {assignment.start}".encode())
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def released(assignment: Assignment, made_of: str) -> bytes | None:
    """The ladder as it was released, where it is still what it would be made of, and as it was
    made.
    """
    file = assignment.released / LADDER
    try:
        text = file.read_bytes()
        read = json.loads(text)
        same = read["made_of"] == made_of and read["contents"] == _contents(read)
        return text if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _contents(read: dict[str, Any]) -> str:
    kept = {name: value for name, value in read.items() if name not in ("made_of", "contents")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def made(assignment: Assignment, made_of: str) -> bytes:
    """The ladder made anew. It runs the solution, in this process: staff wrote it."""
    from autograder.grading.ladder import read_ladder

    start = assignment.start
    if start is not None:
        drawn_with(assignment)
    functions = {
        function: [_rung(assignment, rung) for rung in rungs]
        for function, rungs in read_ladder(assignment).items()
    }
    read: dict[str, Any] = {
        "start": start
        and {
            "options": dict(start.options),
            "draw": start.draw,
            "interval": [start.low, start.high],
        },
        "bases": 1 + len(assignment.bases),
        "functions": functions,
    }
    read = {"made_of": made_of, "contents": _contents(read), **read}
    return (_laid(read) + "\n").encode()


def _laid(read: dict[str, Any]) -> str:
    """JSON with a line for each rung."""
    head = {name: value for name, value in read.items() if name != "functions"}
    lines = [json.dumps(head)[:-1] + ', "functions": {']
    for place, (function, rungs) in enumerate(read["functions"].items()):
        lines.append(f"{', ' if place else ''}{json.dumps(function)}: [")
        lines.append(",\n".join(map(json.dumps, rungs)))
        lines.append("]")
    return "\n".join([*lines, "}}"])


def _rung(assignment: Assignment, rung: Rung) -> dict[str, Any]:
    from autograder.authoring.student_kit.kit_ladder import encoded

    start = assignment.start
    asks = start is not None and start.options.keys() <= rung.named.keys()
    return {
        "call": rung.text,
        "still": rung.with_options(start.options).text if asks and start else "",
        "placed": list(rung.places),
        "arguments": {name: _argument(value) for name, value in rung.arguments.items()},
        "long": rung.long,
        "right": list(rung.right),
        "ways": [
            {"start": [encoded(tensor) for tensor in drawn], "replies": replies}
            for drawn, replies in ([] if rung.right else _ways(assignment, rung, asks))
        ],
    }


def _argument(value: Any) -> Any:
    from autograder.authoring.student_kit.kit_ladder import encoded
    from autograder.sandbox.wire import TorchFunction

    return {"torch": value.name} if isinstance(value, TorchFunction) else encoded(value)


def _ways(
    assignment: Assignment, rung: Rung, asks: bool
) -> Iterator[tuple[list[torch.Tensor], list[dict[str, Any]]]]:
    """Each way to start, the solution's own first, and what each right answer gives from there."""
    from autograder.authoring.student_kit.kit_ladder import encoded, shortened
    from autograder.grading.smallest import tensors_of

    answers = [None, *(base.path for base in assignment.bases)]
    usual = _reply(assignment, None, rung, [])
    starts: list[list[torch.Tensor]] = [[]]
    if asks and assignment.start is not None:
        still = _reply(assignment, None, rung.with_options(assignment.start.options), [])
        drawn = tensors_of(still.value)
        if [t.shape for t in drawn] == [t.shape for t in tensors_of(usual.value)]:
            try:
                starts = _starts(drawn_with(assignment), drawn) or [[]]
            except TypeError:  # it is no shape that can be drawn
                raise _not_drawn(assignment, rung.function, drawn) from None
    for start in starts:
        replies: list[Reply] = [_reply(assignment, path, rung, start) for path in answers]
        yield (
            start,
            [
                {"returned": encoded(shortened(reply).value)}
                if reply.outcome == "returned"
                else {"raised": reply.header["type"]}
                for reply in replies
            ],
        )


def drawn_with(assignment: Assignment) -> Callable[..., Any]:
    """The function that an assignment's start is drawn with; AuthoringError where it is none."""
    assert assignment.start is not None
    module, _, name = assignment.start.draw.rpartition(".")
    try:
        draw = getattr(importlib.import_module(module), name)
        if callable(draw):
            return draw
    except (ImportError, AttributeError):
        pass
    what = f"has draw = {assignment.start.draw!r} in [diagnosis], which is no function"
    mend = 'Name one that can be imported, such as "torch.rand".'
    raise AuthoringError(assignment.folder / "assignment.toml", what, mend)


def _not_drawn(assignment: Assignment, function: str, start: list[torch.Tensor]) -> AuthoringError:
    assert assignment.start is not None
    shapes = ", ".join(str(tuple(tensor.shape)) for tensor in start)
    what = (
        f"says in [diagnosis] with which options functions return their start, and with these "
        f"{function} returns tensors of the shapes {shapes}, which {assignment.start.draw} does "
        "not all draw"
    )
    mend = (
        "Have it return what it has drawn and no other tensor (a float is none), or leave out the "
        "table."
    )
    return AuthoringError(assignment.folder / "assignment.toml", what, mend)


def _starts(draw: Callable[..., Any], usual: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    """The solution's start, and those of who draws in another order, or a matrix lying down."""
    import torch

    from autograder.grading.smallest import SEED

    found = [usual] if usual else []
    ways = [(False, True) if tensor.ndim == 2 else (False,) for tensor in usual]
    for order in itertools.permutations(range(len(usual))):
        for turned in itertools.product(*ways):
            torch.manual_seed(SEED)
            drawn: dict[int, torch.Tensor] = {}
            for place in order:
                shape = usual[place].shape
                drawn[place] = draw(*shape[::-1]).T if turned[place] else draw(*shape)
            one = [drawn[place] for place in range(len(usual))]
            if not any(all(map(torch.equal, one, other)) for other in found):
                found.append(one)
    return found


def _reply(
    assignment: Assignment, base: Path | None, rung: Rung, start: list[torch.Tensor]
) -> Reply:
    """How a right answer ends a rung, started there; [] stands for its own start."""
    from autograder.authoring.student_kit.kit_ladder import Reply
    from autograder.authoring.student_kit.kit_student import Student, Verdict
    from autograder.grading.smallest import SEED
    from autograder.sandbox.inside.starts import started_from

    namespace: dict[str, Any] = {"__name__": "solution"}
    for path in (assignment.solution, *([base] if base else [])):
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    placed = [_callable(value) for value in rung.placed]
    draw = assignment.start.draw if start and assignment.start else ""
    try:
        with started_from(draw, start):
            student = Student(namespace, SEED)
            called = student.call(rung.function, *placed, **rung.named)
    except Verdict as verdict:
        return Reply(verdict.outcome, {"type": verdict.error_types[0]})
    return Reply("returned", {}, called.value, called.arguments)


def _callable(value: Any) -> Any:
    import torch

    from autograder.sandbox.wire import TorchFunction

    return getattr(torch, value.name) if isinstance(value, TorchFunction) else value
