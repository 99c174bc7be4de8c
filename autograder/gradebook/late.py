"""What late work costs, and who has longer: what course.toml says, told to nbgrader.

nbgrader knows when something was handed in, when it was due and how long an extension is. Its
`AssignLatePenalties` asks `LatePolicy` for the points that a late submission loses.
"""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import api
from nbgrader.api import Gradebook
from nbgrader.plugins.base import BasePlugin
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.preprocessors.base import NbGraderPreprocessor
from sqlalchemy import select
from traitlets import Enum, Float, Integer

from autograder.course import POLICIES, Course, Late
from autograder.gradebook.marks import database, is_made

DAY = 24 * 3600


class GrantExtensions(NbGraderPreprocessor):
    """Enters the extension that course.toml gives a student, before lateness is judged.

    An assignment with a table there has that table's extensions and no others; of an assignment
    without one, extensions that were granted in another way stay.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        exporter: Any = self.parent
        asked = resources["nbgrader"]
        given = Course(Path(exporter.converter.coursedir.root).parent).settings.extensions.get(
            asked["assignment"]
        )
        if given is not None:
            days = given.get(asked["student"], 0)
            with Gradebook(asked["db_url"]) as book:
                submission: Any = book.find_submission(asked["assignment"], asked["student"])
                due = submission.assignment.duedate is not None  # nbgrader adds to it unasked
                submission.extension = timedelta(days=days) if days and due else None
                book.db.commit()
        return nb, resources


class LatePolicy(BasePlugin):
    """nbgrader's plugin for late work, as course.toml has it in [late]."""

    policy = Enum(POLICIES, default_value="none").tag(config=True)
    percent = Float(10.0).tag(config=True)
    days = Integer(0).tag(config=True)
    grace_minutes = Float(0.0).tag(config=True)

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """The points of `score` that a submission loses; None for none.

        total_seconds_late: since it was due, an extension counted
        """
        rule = Late(self.policy, self.percent, self.days, self.grace_minutes)
        days = days_late(total_seconds_late, rule)
        if rule.policy == "days" and days:
            days -= self._free(student_id, rule, days)
        return penalty(score, days, rule) or None

    def _free(self, student: str, rule: Late, days: int) -> int:
        """How many of an assignment's late days the student still had, when assignments that were
        due before have taken theirs.
        """
        asking: Any = self.parent  # AssignLatePenalties, with its gradebook open
        current = asking.assignment_id
        student_row = asking.gradebook.find_student(student)
        late = [item for item in student_row.submissions if item.duedate is not None]
        late.sort(key=lambda item: (item.assignment.duedate, item.name))
        left = rule.days
        for item in late:
            if item.name == current:
                break
            left -= min(left, days_late(item.total_seconds_late, rule))
        return min(left, days)


def refresh(course: Course, assignment: str = "", student: str = "") -> None:
    """Bring the penalties of late work up to the points of now: nbgrader enters them when it
    grades, and a person marks afterwards. Nothing where course.toml says nothing of late work;
    where it says that this costs nothing, what it has cost before is given back.

    assignment, student: of these alone, where they are named
    """
    table = course.settings.late
    if not table or not is_made(course):
        return
    asked: Any = select(api.SubmittedAssignment).join(api.Assignment)
    asked = asked.where(api.Assignment.duedate.is_not(None))
    if assignment:
        asked = asked.where(api.Assignment.name == assignment)
    if student:
        asked = asked.where(api.SubmittedAssignment.student_id == student)
    with Gradebook(database(course), course.settings.course_id) as book:
        for submission in book.db.execute(asked).scalars().all():
            charge(book, submission, table)
        book.db.commit()


def charge(book: Any, submission: Any, table: dict[str, Any]) -> None:
    """Do again what nbgrader's AssignLatePenalties has done of a submission."""
    seconds = submission.total_seconds_late
    asking = AssignLatePenalties()
    asking.gradebook, asking.assignment_id = book, submission.name
    policy = LatePolicy(parent=asking, **table)
    for notebook in submission.notebooks:
        lost = None
        if seconds > 0:
            lost = policy.late_submission_penalty(submission.student.id, notebook.score, seconds)
        if lost != notebook.late_submission_penalty:
            notebook.late_submission_penalty = lost


def days_late(seconds: float, rule: Late) -> int:
    """The days that have begun since something was due; within the grace, none."""
    return math.ceil(seconds / DAY) if seconds > rule.grace_minutes * 60 else 0


def penalty(score: float, days: int, rule: Late) -> float:
    """The points of `score` that so many days cost, those that are free taken off already."""
    if days <= 0 or rule.policy == "none":
        return 0.0
    share = 100.0 if rule.policy == "zero" else min(100.0, rule.percent * days)
    return min(score, score * share / 100) if score > 0 else 0.0
