"""A class as it stands: who handed in what, the kept results, what the gradebook says, and the
points of the grading before.

    course/results/<assignment>.points.json     by student: the points of each check, now and before

Nothing is graded here. A submission that has no result with the checks of today has none.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.course import write_whole
from autograder.errors import SubmissionError
from autograder.gradebook.commands import refresh_penalties
from autograder.gradebook.marks import Marks, roster
from autograder.grading.rounds import Rounds
from autograder.grading.store import InSandbox, Store
from autograder.grading.submission import find, read, released_cells
from autograder.pages.highlight import definition_in
from autograder.results import Result

log = logging.getLogger(__name__)
MAX_EXCERPT = 3_000  # characters of somebody's code on a class page


@dataclass(frozen=True)
class Student:
    """One of a class. name: of the person, "" where the gradebook has none

    path: the file that counts; None for one who has handed in nothing
    result: None where it has not been graded with the checks of today
    """

    id: str
    name: str
    path: Path | None
    result: Result | None
    marks: Marks | None

    @property
    def graded(self) -> bool:
        return self.result is not None and self.result.status == "graded"


@dataclass(frozen=True)
class Classroom:
    """All students of an assignment, sorted; and the changes since the points were others."""

    assignment: Assignment
    students: tuple[Student, ...]
    changes: Changes

    @property
    def graded(self) -> list[Student]:
        return [student for student in self.students if student.graded]


@dataclass(frozen=True)
class Changed:
    """A student whose points are others than before. checks: name, points before, points now

    again: whether they have handed in another file; else the checks are what changed
    """

    student: str
    before: float
    now: float
    checks: tuple[tuple[str, float, float], ...]
    again: bool


@dataclass(frozen=True)
class Changes:
    """What the last grading that changed anything has changed. since: when the one before was, ""
    where there was none
    """

    since: str
    changed: tuple[Changed, ...] = ()
    new: int = 0


def gather(assignment: Assignment) -> Classroom:
    """The class of an assignment, from what was handed in, graded and entered so far."""
    refresh_penalties(assignment.course, assignment.slug)
    entered = roster(assignment.course, assignment.slug)
    results = kept_results(assignment)
    students = []
    for who in sorted({*results, *entered.names}):
        path, result = results.get(who, (None, None))
        name, marks = entered.names.get(who, ""), entered.marks.get(who)
        students.append(Student(who, name, path, result, marks if path is not None else None))
    points = {one.id: points_of(one.result) for one in students if one.graded and one.result}
    return Classroom(assignment, tuple(students), remember(assignment, points))


def kept_results(assignment: Assignment) -> dict[str, tuple[Path, Result | None]]:
    """By student: the file that counts, and its result if it was graded with today's checks."""
    course, found = assignment.course, {}
    if not course.submitted.is_dir():
        return {}
    store = Store(course.results, InSandbox(assignment, course.secret()))
    skip = released_cells(assignment).not_run
    rounds = Rounds(course.rounds(assignment.slug))
    for one in find(course.submitted, assignment.slug):
        if one.student is not None:
            found[one.student] = (one.path, _kept(assignment, store, one.path, skip, rounds))
    return found


def _kept(
    assignment: Assignment, store: Store, path: Path, skip: frozenset[str], rounds: Rounds
) -> Result | None:
    try:
        submission = read(path, skip)
        return store.get(replace(submission, round=rounds.known(submission.digest)))
    except SubmissionError as error:
        unread = (assignment.slug, "", None, error.status, assignment.max_score)
        return Result(*unread, message=str(error))


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


# --- the points of the grading before -------------------------------------------------------------


def points_of(result: Result) -> dict[str, Any]:
    """What is remembered of a result."""
    earned = {check.name: check.earned for check in result.tests}
    return {"digest": result.digest, "checks": earned}


def remember(assignment: Assignment, points: dict[str, Any]) -> Changes:
    """Keep today's points beside those of the last grading that gave others; gives what changed."""
    file = assignment.course.results / f"{assignment.slug}.points.json"
    kept = _read(file)
    if kept["now"] != points and points:
        today = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        before = {"before": kept["now"], "since": kept["at"]}
        kept = {"now": points, "at": today, **before}
        try:
            write_whole(file, json.dumps(kept))
        except OSError as error:
            log.warning("%s cannot be written (%s)", file, error.strerror)
    return changes(kept)


def _read(file: Path) -> dict[str, Any]:
    empty: dict[str, Any] = {"now": {}, "at": "", "before": {}, "since": ""}
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return kept if isinstance(kept, dict) and kept.keys() == empty.keys() else empty
    except (OSError, ValueError):
        return empty


def changes(kept: dict[str, Any]) -> Changes:
    """Whose points changed, and by which checks."""
    before, now = kept["before"], kept["now"]
    found = []
    for who in sorted(before.keys() & now.keys()):
        old, new = before[who]["checks"], now[who]["checks"]
        differs = [
            (name, old.get(name, 0.0), new.get(name, 0.0))
            for name in dict.fromkeys([*old, *new])
            if old.get(name, 0.0) != new.get(name, 0.0)
        ]
        if differs:
            again = before[who]["digest"] != now[who]["digest"]
            found.append(Changed(who, sum(old.values()), sum(new.values()), tuple(differs), again))
    return Changes(kept["since"], tuple(found), len(now.keys() - before.keys()))
