"""A class as it stands: who handed in what, the kept results and those of the checks before, what
the gradebook says.

Nothing is graded here. A submission that has no result with the checks of today has none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.assignment import Assignment
from autograder.errors import SubmissionError
from autograder.gradebook.commands import refresh_penalties
from autograder.gradebook.marks import Marks, roster
from autograder.grading.moved import Changes, changes
from autograder.grading.rounds import Rounds
from autograder.grading.store import InSandbox, Store
from autograder.grading.submission import NotRun, find, read, released_cells
from autograder.pages.highlight import definition_in
from autograder.results import Result

log = logging.getLogger(__name__)
MAX_EXCERPT = 3_000  # characters of somebody's code on a class page


@dataclass(frozen=True)
class Student:
    """One of a class. name: of the person, "" where the gradebook has none

    path: the file that counts; None for one who has handed in nothing
    result: None where it has not been graded with the checks of today
    before: the last result of the same file by other checks, None where there is none
    """

    id: str
    name: str
    path: Path | None
    result: Result | None
    marks: Marks | None
    before: Result | None = None

    @property
    def graded(self) -> bool:
        return self.result is not None and self.result.status == "graded"


@dataclass(frozen=True)
class Classroom:
    """All students of an assignment, sorted."""

    assignment: Assignment
    students: tuple[Student, ...]

    @property
    def graded(self) -> list[Student]:
        return [student for student in self.students if student.graded]

    @property
    def changes(self) -> Changes:
        """Whose points are others than with the checks before."""
        return changes((one.before, one.result) for one in self.graded if one.result is not None)


def gather(assignment: Assignment, graded: Sequence[Result] | None = None) -> Classroom:
    """The class of an assignment, from what was handed in, graded and entered so far.

    graded: the results of the submitted folder, where somebody has them at hand
    """
    refresh_penalties(assignment.course, assignment.slug)
    entered = roster(assignment.course, assignment.slug)
    results = kept_results(assignment, graded)
    students = []
    for who in sorted({*results, *entered.names}):
        path, result, before = results.get(who, (None, None, None))
        result = result.filed_as(str(path), who) if result is not None else None
        name, marks = entered.names.get(who, ""), entered.marks.get(who)
        there = marks if path is not None else None
        students.append(Student(who, name, path, result, there, before))
    return Classroom(assignment, tuple(students))


def kept_results(
    assignment: Assignment, graded: Sequence[Result] | None = None
) -> dict[str, tuple[Path, Result | None, Result | None]]:
    """By student: the file that counts, its result if it was graded with today's checks, and the
    last one by other checks.
    """
    course, found = assignment.course, {}
    if not course.submitted.is_dir():
        return {}
    store = Store(course.results, InSandbox(assignment, course.secret()))
    if graded is not None and not store.has_history:  # nothing to read again
        return {one.student: (Path(one.submission), one, None) for one in graded if one.student}
    skip = released_cells(assignment).not_run
    rounds = Rounds(course.rounds(assignment.slug))
    for one in find(course.submitted, assignment.slug):
        if one.student is not None:
            found[one.student] = (one.path, *_kept(assignment, store, one.path, skip, rounds))
    return found


def _kept(
    assignment: Assignment, store: Store, path: Path, skip: NotRun, rounds: Rounds
) -> tuple[Result | None, Result | None]:
    try:
        submission = read(path, skip)
    except SubmissionError as error:
        unread = (assignment.slug, "", None, error.status, assignment.max_score)
        return Result(*unread, message=str(error)), None
    submission = replace(submission, round=rounds.known(submission.digest))
    return store.get(submission), store.before(submission)


def excerpt(student: Student, function: str) -> str:
    """A student's code of a function, as text; "" where it cannot be found."""
    if student.path is None:
        return ""
    try:
        units = read(student.path).units
    except SubmissionError:
        return ""
    found = [text for unit in units if (text := definition_in(unit.source, function))]
    return found[-1][:MAX_EXCERPT] if found else ""
