"""What was entered last of each student, so that an unchanged class is entered by looking.

    course/marked/<slug>/<student>/entered.json

The record is written last, so what it says is there was there. Whether it still is, the notebook's
size and time say, and the points that the gradebook has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.course import Course, write_whole
from autograder.gradebook.marks import Marks
from autograder.gradebook.timestamps import SECRET, TIMESTAMP, small_text, timestamp_in
from autograder.results import Result

FILE = "entered.json"
SECONDS = 300.0  # that it may take to enter a student, or to write a page: who takes longer hangs


@dataclass(frozen=True)
class Entry:
    """What is entered of a student. folder: where the student's files lie; path: the one that
    counts; result: of that file
    """

    student: str
    folder: Path
    path: Path
    result: Result


@dataclass(frozen=True)
class Record:
    """What was entered. stamp: changes with all that it was made of

    notebook: size and time of the notebook, `signature`; automatic: the points, by cell
    handed_in: when, as the gradebook has it, "" for no time
    """

    stamp: str
    notebook: list[int]
    automatic: dict[str, float | None]
    handed_in: str

    @classmethod
    def of(
        cls,
        assignment: Assignment,
        course: Course,
        entry: Entry,
        notebook: Path,
        automatic: dict[str, float | None],
    ) -> Record:
        moment = timestamp_in(entry.folder)
        return cls(
            stamp_of(assignment, course, entry),
            signature(notebook),
            automatic,
            str(moment) if moment is not None else "",
        )

    def write(self, folder: Path) -> None:
        write_whole(folder / FILE, json.dumps(asdict(self)) + "\n")


def folder_of(assignment: Assignment, student: str) -> Path:
    """Where the course keeps what was entered of a student."""
    return assignment.course.work / "marked" / assignment.slug / student


def autograded(assignment: Assignment, student: str) -> Path:
    """A student's notebook, as nbgrader has it after grading."""
    slug = assignment.slug
    return assignment.course.work / "autograded" / student / slug / f"{slug}.ipynb"


def stamp_of(assignment: Assignment, course: Course, entry: Entry) -> str:
    """Changes with all that an entry is made of, the code that makes it included."""
    settings, folder = course.settings, entry.folder
    days = settings.extensions.get(assignment.slug, {}).get(entry.student)
    parts = (
        assignment.digest,
        entry.path.name,
        replace(entry.result, submission="", student=None, seconds=0.0).dumps(),
        repr((small_text(folder / TIMESTAMP), small_text(folder / SECRET), days, settings.late)),
    )
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


def signature(file: Path) -> list[int]:
    """The size and the time of a file; nothing where there is none."""
    try:
        status = file.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def kept(file: Path) -> dict[str, Any]:
    """A JSON object that was written here; an empty one where there is none, or it is another's."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def to_enter(
    assignment: Assignment, entries: Sequence[Entry], marks: dict[str, Marks]
) -> list[Entry]:
    """Those of some entries that are not in the gradebook and in their notebook as they are."""
    course = assignment.course  # with its settings, read once
    return [entry for entry in entries if not _is_entered(assignment, course, entry, marks)]


def _is_entered(
    assignment: Assignment, course: Course, entry: Entry, marks: dict[str, Marks]
) -> bool:
    known, there = kept(folder_of(assignment, entry.student) / FILE), marks.get(entry.student)
    if there is None or known.get("stamp") != stamp_of(assignment, course, entry):
        return False
    if known.get("notebook") != signature(autograded(assignment, entry.student)):
        return False
    moment = str(there.handed_in) if there.handed_in is not None else ""
    if known.get("handed_in") and known["handed_in"] != moment:
        return False
    automatic = {name: mark.automatic for name, mark in there.cells.items()}
    return bool(automatic == known.get("automatic"))
