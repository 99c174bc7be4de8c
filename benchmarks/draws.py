"""Does a right answer ever lose a check by the check's inputs alone?

    python -m benchmarks.draws [ASSIGNMENT ...] [--secrets 100000] [--first 0] [--check NAME]
                                [--workers N] [--rows]

A course has one secret, and the inputs of its hidden checks follow from it: a check that fails the
rule itself in one of 4,000 draws takes the points of a whole class. Here every hidden check that
draws its inputs is run under so many secrets, in this process and without a sandbox, on the rule in
float32; the check compares with float64, as ever. Printed are the misses of each check and the
largest share of its tolerance that rounding used; 0 misses are wanted, and make the exit status.

What stands in for a student is the staff folder's `draws.py`, which defines the assignment's
functions in float32 as fast as can be, and for a function that is not there, `solution.py`. It may
also say which checks are LONG: each is run as it is, draws and all, under many secrets at once; the
functions in MANY, of `draws.py` or of the hidden checks themselves, are computed for all of them
together (see `together.py`). MANY maps the name of such a function to what is called with it and
the arguments of several calls, and returns their results. A student's function draws its random
numbers before it calls one.
"""

from __future__ import annotations

import argparse
import copy
import inspect
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from autograder import vocabulary
from autograder.assignment import Assignment, find_assignments
from autograder.course import Course
from autograder.grading.curves import Picture
from autograder.grading.student import Verdict
from autograder.vocabulary import Call, Draw
from benchmarks.together import met, together

COURSE = Course(Path(__file__).resolve().parent.parent)
CHUNK = 250  # secrets that a worker takes at a time
AT_ONCE = 2000  # the same of a check whose computations are made together
SHOWN = 3  # misses of a check that are printed


# --- who stands in for a student ------------------------------------------------------------------


class Standin:
    """The functions of a module in this process, with the words of a check's `student`."""

    def __init__(
        self, functions: dict[str, Callable[..., Any]], seed: int = 0, times: int = 1
    ) -> None:
        self._functions, self._seed, self._times = functions, seed, times

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments, **options: self.call(name, *arguments, **options).value

    def seeded(self, seed: int) -> Standin:
        return Standin(self._functions, seed, self._times)

    def twice(self) -> Standin:
        return Standin(self._functions, self._seed, 2)

    def call(self, name: str, *arguments: Any, **options: Any) -> Call:
        for _ in range(self._times):
            given = copy.deepcopy(arguments)
            value = self._returned(name, given, options)
        return Call(detached(value), detached(given))

    def mentions(self, words: re.Pattern[str]) -> bool:
        return False  # the rule itself

    def differentiate(self, name: str, *arguments: Any, **options: Any) -> tuple[Any, tuple]:
        given = copy.deepcopy(arguments)
        leaves = [one for one in given if isinstance(one, torch.Tensor) and one.is_floating_point()]
        for leaf in leaves:
            leaf.requires_grad_()
        value = self._returned(name, given, options)
        gradients = torch.autograd.grad(value.sum(), leaves, allow_unused=True)
        return detached(value), tuple(gradients)

    def defaults(self, name: str) -> dict[str, Any]:
        parameters = inspect.signature(self._functions[name]).parameters.values()
        return {one.name: plain_default(one) for one in parameters}

    def _returned(self, name: str, arguments: tuple, options: dict[str, Any]) -> Any:
        torch.default_generator.manual_seed(self._seed)  # torch.manual_seed costs ten times as much
        try:
            return self._functions[name](*arguments, **options)
        except Exception as error:
            names = tuple(one.__name__ for one in type(error).__mro__)
            raise Verdict("raised", f"{name} raised {error!r}", names) from error


def plain_default(parameter: inspect.Parameter) -> Any:
    """A parameter's default where that is a number, else None, as the sandbox says it."""
    return parameter.default if isinstance(parameter.default, int | float) else None


def detached(value: Any) -> Any:
    """A result as it comes back from the sandbox: its tensors without their history."""
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, tuple | list):
        return type(value)(map(detached, value))
    return value


# --- one check under many secrets -----------------------------------------------------------------


@dataclass
class Tally:
    """What one check did under some secrets.

    misses: (secret, message) of each time that it failed; share: the largest part of a tolerance of
        `close` that was used, None where `close` was never asked
    """

    secrets: int = 0
    misses: list[tuple[str, str]] = field(default_factory=list)
    share: float | None = None
    seconds: float = 0.0

    def add(self, other: Tally) -> None:
        self.secrets += other.secrets
        self.misses += other.misses
        self.seconds += other.seconds
        if other.share is not None:
            self.share = max(other.share, self.share or 0.0)


SHARES: ContextVar[list[float]] = ContextVar("SHARES")  # of the run that is going on


class Simulation:
    """The checks of one assignment and who stands in for a student, loaded once a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checks = loaded(folder / "test_hidden.py")  # its `close` is replaced
        if hasattr(self.checks, "close"):
            self.checks.close = self._close  # type: ignore[attr-defined]
        self.functions = functions_of(folder / "solution.py")
        self.draws = ModuleType("draws")
        if (folder / "draws.py").is_file():
            self.draws = module_at(folder / "draws.py")
            self.functions |= functions_of(folder / "draws.py")
        self.long: tuple[str, ...] = getattr(self.draws, "LONG", ())
        unknown = set(self.long) - set(self.names)
        if unknown:
            raise ValueError(f"{folder / 'draws.py'}: no such check: {', '.join(unknown)}")

    @property
    def names(self) -> list[str]:
        """The checks that draw their inputs, in the order of the file."""
        found = []
        for name, value in vars(self.checks).items():
            if name.startswith("test_") and "draw" in inspect.signature(value).parameters:
                found.append(name)
        return found

    def run(self, name: str, secrets: range) -> Tally:
        tally, begin = Tally(len(secrets)), time.process_time()
        words = [f"draws {number}" for number in secrets]
        runs = [partial(self._once, name, secret) for secret in words]
        if name in self.long:
            with self._met():
                ends = together(runs)
        else:
            ends = [run() for run in runs]
        for secret, (message, shares) in zip(words, ends, strict=True):
            if message:
                tally.misses.append((secret, message))
            elif shares:
                tally.share = max(tally.share or 0.0, *shares)
        tally.seconds = time.process_time() - begin
        return tally

    @contextmanager
    def _met(self) -> Iterator[None]:
        """While this lasts, the functions in MANY are computed for all runs together."""
        kept = []
        for name, many in self.draws.MANY.items():
            module = self.draws if hasattr(self.draws, name) else self.checks
            function = getattr(module, name)
            kept.append((module, name, function))
            setattr(module, name, met(partial(many, function)))
        try:
            yield
        finally:
            for module, name, function in kept:
                setattr(module, name, function)

    def _once(self, name: str, secret: str) -> tuple[str, list[float]]:
        """How the check fails under this secret, "" where it passes; and the parts of its
        tolerances that were used.
        """
        shares: list[float] = []
        SHARES.set(shares)
        return self._miss(name, secret), shares

    def _miss(self, name: str, secret: str) -> str:
        """How the check fails under this secret; "" where it passes."""
        check = getattr(self.checks, name)
        given = {
            "student": Standin(self.functions),
            "draw": Draw(secret, f"{self.folder.name}.{name}"),
        }
        wanted = inspect.signature(check).parameters
        if "reference" in wanted:
            given["reference"] = module_at(self.folder / "solution.py")
        if "picture" in wanted:
            given["picture"] = Picture(hidden=True)
        try:
            check(**given)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return ""

    def _close(self, actual: Any, expected: Any, tolerance: float, what: str) -> None:
        numbers = [torch.as_tensor(one, dtype=torch.float64) for one in (actual, expected)]
        SHARES.get().append(vocabulary.difference(*numbers) / tolerance)
        vocabulary.close(actual, expected, tolerance, what)


def loaded(path: Path) -> ModuleType:
    """A file of a staff folder as a module of one's own."""
    specification = spec_from_file_location(f"draws_{path.parent.name}_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


module_at = cache(loaded)  # the one that is shared


def functions_of(path: Path) -> dict[str, Callable[..., Any]]:
    """The public functions that a file defines."""
    functions = {}
    for name, value in vars(module_at(path)).items():
        if inspect.isfunction(value) and not name.startswith("_"):
            functions[name] = value
    return functions


simulation = cache(Simulation)


def run_chunk(folder: Path, name: str, secrets: range) -> Tally:
    """In a worker process."""
    torch.set_num_threads(1)
    return simulation(folder).run(name, secrets)


# --- the command ----------------------------------------------------------------------------------


def chunks(secrets: range, size: int) -> Iterator[range]:
    for begin in range(secrets.start, secrets.stop, size):
        yield range(begin, min(begin + size, secrets.stop))


def simulate(folder: Path, name: str, secrets: range, pool: ProcessPoolExecutor) -> Tally:
    """One check under these secrets, spread over the workers."""
    tally, size = Tally(), AT_ONCE if name in simulation(folder).long else CHUNK
    waiting = [pool.submit(run_chunk, folder, name, chunk) for chunk in chunks(secrets, size)]
    for answer in waiting:
        tally.add(answer.result())
    return tally


def told(name: str, tally: Tally) -> Iterator[str]:
    share = "-" if tally.share is None else f"{tally.share:.3f}"
    each = 1000 * tally.seconds / max(tally.secrets, 1)
    yield f"  {name:<62}{len(tally.misses):>7} of {tally.secrets:,}{share:>10}{each:>9.2f} ms"
    for secret, message in tally.misses[:SHOWN]:
        yield f"      {secret}: {message[:150]}"


def row(slug: str, name: str, tally: Tally) -> str:
    """A line of the table in docs/measured.md."""
    share = "-" if tally.share is None else f"{tally.share:.3f}"
    return f"| `{slug}` | `{name}` | {tally.secrets:,} | {len(tally.misses)} | {share} |"


def chosen(names: list[str]) -> list[Assignment]:
    """The assignments of these names; all of them where there is no name."""
    known = {one.slug: one for one in find_assignments(COURSE)}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no assignment {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.draws", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("assignment", nargs="*", help="all of the course where none is named")
    parser.add_argument("--secrets", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first secret")
    parser.add_argument("--check", default="", help="only checks whose name contains this")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--rows", action="store_true", help="print rows of docs/measured.md, too")
    asked = parser.parse_args()
    rows, misses, secrets = [], 0, range(asked.first, asked.first + asked.secrets)
    print(f"  {'check':<62}{'misses':>7}    {'of tolerance used':>20} {'CPU':>8}")
    with ProcessPoolExecutor(asked.workers, multiprocessing.get_context("fork")) as pool:
        for assignment in chosen(asked.assignment):
            print(assignment.slug, flush=True)
            for name in simulation(assignment.folder).names:
                if asked.check in name:
                    tally = simulate(assignment.folder, name, secrets, pool)
                    print("\n".join(told(name, tally)), flush=True)
                    misses += len(tally.misses)
                    rows.append(row(assignment.slug, name, tally))
    if asked.rows:
        print("\n".join(rows))
    raise SystemExit(1 if misses else 0)


if __name__ == "__main__":
    main()
