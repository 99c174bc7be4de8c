"""A submission taken out of the course, as if it had never been handed in; nothing of it is lost.

course/removed/<time>/<student>/<assignment>/
    submitted/  autograded/  feedback/  marked/      what lay there
    taken/  account.json                             the version that counted, as the watch knew it
    gradebook.json                                   points, marks and comments
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.course import write_whole
from autograder.errors import UsageError
from autograder.gradebook.commands import alembic_on_path
from autograder.gradebook.lock import only_one
from autograder.gradebook.marks import database

STEPS = ("submitted", "autograded", "feedback")


def reset(assignment: Assignment, students: list[str]) -> Path:
    """Take the submissions of some students out; gives the folder that they were moved to.

    UsageError where somebody has none, or another process enters grades, as a watch does, which
    would enter them again: then nothing is moved.
    """
    course = assignment.course
    with only_one(course):
        lying = {student: _places(assignment, student) for student in students}
        if missing := sorted(student for student, places in lying.items() if not places):
            raise UsageError(
                f"nothing of {assignment.slug} from {', '.join(missing)} in {course.work}."
            )
        kept = course.work / "removed" / datetime.now().strftime("%Y-%m-%d-%H%M%S-%f")
        _move(assignment, lying, kept)
    return kept


def _move(assignment: Assignment, lying: dict[str, dict[str, Path]], kept: Path) -> None:
    """Take submissions out of the gradebook, and what lies of each student to `kept`."""
    from nbgrader.api import Gradebook

    course = assignment.course
    with alembic_on_path(), Gradebook(database(course), course.settings.course_id) as book:
        for student, places in lying.items():
            place = kept / student / assignment.slug
            entered = _entered(book, assignment.slug, student)
            write_whole(place / "gradebook.json", json.dumps(entered, indent=1) + "\n")
            if entered:  # first: where that fails, the files lie there for the next try
                book.remove_submission(assignment.slug, student)
            for name, lies in places.items():
                os.rename(lies, place / name)


def everybody(assignment: Assignment) -> list[str]:
    """Who has handed an assignment in."""
    return sorted(
        path.parent.name for path in assignment.course.submitted.glob(f"*/{assignment.slug}")
    )


def _places(assignment: Assignment, student: str) -> dict[str, Path]:
    """What lies of a student's submission, by the names under which it is kept."""
    course, slug = assignment.course, assignment.slug
    work = course.work
    places = {step: work / step / student / slug for step in STEPS}
    places["marked"] = work / "marked" / slug / student
    places["taken"] = course.taken(slug, student)
    places["account.json"] = course.account(slug, student)
    named = student and Path(student).name == student  # no path of somebody's
    return {name: place for name, place in places.items() if named and place.exists()}


def _entered(book: Any, slug: str, student: str) -> list[dict[str, Any]]:
    """What the gradebook holds of a submission; nothing where it has none."""
    from nbgrader.api import MissingEntry

    try:
        submission = book.find_submission(slug, student)
    except MissingEntry:
        return []
    rows = []
    for notebook in submission.notebooks:
        rows += [grade.to_dict() for grade in notebook.grades]
        rows += [comment.to_dict() for comment in notebook.comments]
    return rows
