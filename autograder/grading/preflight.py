"""Right answers first: before a class is graded, the reference and all variants are, on the same
hidden inputs. Where one loses a point, a check is at fault, and nobody is graded.

    course/results/<assignment>/<key>.preflight     they kept every point; what may change that
                                                    changes the key
    course/results/<assignment>/<...>.right         what each of them kept, as results (store.py):
                                                    a changed check alone is run on them
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from autograder.assignment import Assignment
from autograder.course import write_whole
from autograder.errors import PreflightFailed
from autograder.grading.grader import Elsewhere, Grader, attempt
from autograder.grading.rounds import secret_of
from autograder.grading.store import Store
from autograder.grading.submission import Found, Submission, named
from autograder.grading.workers import grade_class
from autograder.results import Result

RIGHT = ".right"  # their results
SHOWN = 20  # lines of what right answers lost


def preflight(
    grader: Grader,
    rounds: Iterable[int],
    workers: int,
    folder: Path,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Grade the right answers of the grader's assignment on the inputs of each round, unless that
    was done; PreflightFailed where one loses a point.

    folder: where the results of the course lie
    progress: called with how many gradings are done, of how many
    """
    secrets = {number: secret_of(grader.secret, number) for number in sorted(rounds)}
    marks = {number: mark_of(grader, secret, folder) for number, secret in secrets.items()}
    ahead = [number for number, mark in marks.items() if not mark.is_file()]
    right, done = right_answers(grader.assignment), 0
    for number in ahead:
        lost: list[str] = []
        for result in _graded(grader, number, secrets[number], right, workers, folder):
            done += 1
            progress(done, len(ahead) * len(right))
            lost += losses(grader.assignment, result)
            if result.status == "grader_error":  # broken for everybody: once is enough
                break
        if lost:
            raise PreflightFailed(_told(grader.assignment, lost))
        _keep(marks[number], right)


def right_answers(assignment: Assignment) -> list[Found]:
    """The reference and the variants, as if they had been handed in."""
    return [Found(named(path), None) for path in (assignment.solution, *assignment.variants)]


def mark_of(grader: Grader, secret: str, folder: Path) -> Path:
    """The file that says that the right answers kept every point; its name changes with all that
    may change that.
    """
    assignment = grader.assignment
    digest = hashlib.sha256()
    for part in (assignment.digest, secret, grader.isolation):
        digest.update(part.encode() + b"\0")
    for path in assignment.variants:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return folder / assignment.slug / f"{digest.hexdigest()[:32]}.preflight"


def _graded(
    grader: Grader, number: int, secret: str, right: list[Found], workers: int, folder: Path
) -> Iterator[Result]:
    """The results of the right answers in a round, in their order, graded where the class will be.
    Kept is what lost nothing: whatever did is looked at again in the next run.
    """
    ahead = Grader(
        grader.assignment,
        secret,
        isolation=grader.isolation,
        sandbox=grader.warm() if grader.elsewhere is None else None,
        diagnoses=False,
    )
    if grader.elsewhere is not None:
        ahead.elsewhere = InRound(grader.elsewhere, number)
    store = ahead.store = Store(folder, ahead, suffix=RIGHT)
    with closing(ahead), closing(grade_class(ahead, right, workers)) as results:
        for found, result in zip(right, results, strict=True):
            read = attempt(ahead, found)
            same = isinstance(read, Submission) and read.digest == result.digest  # not saved since
            if same and not list(losses(ahead.assignment, result)):
                store.put(cast(Submission, read), result)
            yield result


class InRound:
    """Other machines, which know the course's secret, and by a submission's round what it meets."""

    def __init__(self, elsewhere: Elsewhere, number: int) -> None:
        self._elsewhere, self._number = elsewhere, number

    @property
    def threads(self) -> int:
        return self._elsewhere.threads

    def answers(
        self, tasks: Iterable[tuple[Found, Submission | Result]], alone: bool = False
    ) -> Iterator[tuple[int, Any]]:
        """As `Elsewhere` has them; here all rounds are 0, of a secret that is the round's."""
        sent = ((found, self._met(submission)) for found, submission in tasks)
        for place, answer in self._elsewhere.answers(sent, alone):
            yield place, replace(answer, round=0) if isinstance(answer, Result) else answer

    def _met(self, submission: Submission | Result) -> Submission | Result:
        if isinstance(submission, Result):
            return submission
        return replace(submission, round=self._number)


def losses(assignment: Assignment, result: Result) -> Iterator[str]:
    """A line for each check that a right answer fails, or for why it was not graded."""
    name = Path(result.submission).relative_to(assignment.folder)
    if result.status != "graded":
        yield f"{name}: {result.status}: {result.message}"
    for check in result.tests:
        if check.outcome != "passed":
            what = f"{check.function} {check.points:g}, {check.outcome}: {check.message}"
            yield f"{name}: {check.name} ({what})"


def _told(assignment: Assignment, lost: list[str]) -> str:
    shown = "".join(f"\n  {line}" for line in lost[:SHOWN])
    more = f"\n  and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    return (
        f"{assignment.slug}: right answers lose points, so nobody was graded:{shown}{more}\n"
        f"Mend the check in {assignment.folder}, or take out what is no right answer; where it is "
        "this course's secret alone, have the check redraw its inputs (draw.until). "
        f"`autograder audit {assignment.slug}` shows more. To grade all the same: --no-preflight."
    )


def _keep(mark: Path, right: list[Found]) -> None:
    names = [found.path.name for found in right]
    with suppress(OSError):  # where nothing can be kept, the store says so
        write_whole(mark, json.dumps({"every_point": names}) + "\n")
