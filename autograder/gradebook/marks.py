"""What nbgrader's gradebook says of a class, read and not changed: points by cell, overrides,
comments, lateness.

The numbers are nbgrader's own: of a cell, what a person gave goes before what the grader gave, and
extra credit is added; of a submission, the penalty for lateness is taken from the sum, down to 0.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from autograder.course import Course
from autograder.errors import AutograderError

CHECK_PREFIX = "check_"  # of the cell that has a function's points
RESULT = "autograder"  # where an autograded notebook's metadata have the result that it got


@dataclass(frozen=True)
class Mark:
    """The points of one cell. automatic: what the grader gave, None where it gives nothing

    by_hand: whether a person has set or changed the points; open: whether one still has to
    """

    cell: str
    points: float
    maximum: float
    automatic: float | None
    by_hand: bool
    open: bool
    comment: str = ""


@dataclass(frozen=True)
class Marks:
    """A student's submission as the gradebook has it. name: first and last, "" where neither is
    known; handed_in, due: without a time zone, in UTC
    """

    student: str
    name: str
    cells: dict[str, Mark]
    penalty: float = 0.0
    handed_in: datetime | None = None
    due: datetime | None = None

    @property
    def sum(self) -> float:
        """The points before any penalty."""
        return round(sum(mark.points for mark in self.cells.values()), 6)

    @property
    def total(self) -> float:
        """The points after the penalty, as nbgrader exports them."""
        return round(max(0.0, self.sum - self.penalty), 6)

    @property
    def maximum(self) -> float:
        return round(sum(mark.maximum for mark in self.cells.values()), 6)

    @property
    def open(self) -> bool:
        """Whether a person still has to mark something."""
        return any(mark.open for mark in self.cells.values())

    @property
    def late(self) -> timedelta:
        """How long after the due date, extension included; 0 where either date is unknown."""
        if self.handed_in is None or self.due is None:
            return timedelta()
        return max(timedelta(), self.handed_in - self.due)


@dataclass(frozen=True)
class Roster:
    """Who is in the course and what the gradebook says of an assignment, by student.

    names: of all students of the course, "" where none is known
    """

    names: dict[str, str]
    marks: dict[str, Marks]


def database(course: Course) -> str | None:
    """The gradebook's URL; None where no gradebook has been made."""
    if course.settings.gradebook:
        return course.settings.gradebook
    return f"sqlite:///{course.gradebook}" if course.gradebook.is_file() else None


def roster(course: Course, assignment: str, student: str | None = None) -> Roster:
    """What the gradebook says of an assignment; of one student, if one is named. Empty where there
    is no gradebook, or no nbgrader.
    """
    url = database(course)
    if url is None:
        return Roster({}, {})
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        return Roster({}, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's models, read by a newer SQLAlchemy
        try:
            return _read(url, assignment, student)
        except ImportError:
            return Roster({}, {})
        except SQLAlchemyError as error:
            what = f"the gradebook cannot be read: {str(error).splitlines()[0]}"
            mend = "Is it busy, or made by another version of nbgrader (nbgrader db upgrade)?"
            raise AutograderError(f"{what}. {mend}") from error


def _read(url: str, assignment: str, student: str | None) -> Roster:
    from nbgrader.api import Student
    from sqlalchemy import create_engine, select
    from sqlalchemy.orm import Session

    engine = create_engine(url)
    try:
        with Session(engine) as session:
            people: Any = select(Student.id, Student.first_name, Student.last_name)
            if student is not None:
                people = people.where(Student.id == student)
            names = {row[0]: " ".join(filter(None, row[1:])) for row in session.execute(people)}
            rows = session.execute(_question(assignment, student)).all()
            comments = _comments(session, assignment, student)
    finally:
        engine.dispose()
    marks: dict[str, Marks] = {}
    penalties: dict[tuple[str, str], float] = {}
    for row in rows:
        found = marks.get(row.student)
        if found is None:
            due = row.duedate + (row.extension or timedelta()) if row.duedate else None
            name = names.get(row.student, "")
            found = Marks(row.student, name, {}, handed_in=row.timestamp, due=due)
            marks[row.student] = found
        penalties[row.student, row.notebook] = row.penalty or 0.0
        if row.cell is not None:
            comment = comments.get((row.student, row.cell), "")
            found.cells[row.cell] = _mark(row, comment)
    for (who, _), penalty in penalties.items():
        marks[who] = replace(marks[who], penalty=marks[who].penalty + penalty)
    return Roster(names, marks)


def _mark(row: Any, comment: str) -> Mark:
    return Mark(
        cell=row.cell,
        points=float(row.score or 0.0),
        maximum=float(row.maximum or 0.0),
        automatic=row.auto_score,
        by_hand=row.manual_score is not None or bool(row.extra_credit),
        open=bool(row.needs_manual_grade),
        comment=comment,
    )


def _question(assignment: str, student: str | None) -> Any:
    """A row for each graded cell of each submission."""
    from nbgrader import api
    from sqlalchemy import select

    submitted, notebook = api.SubmittedAssignment, api.SubmittedNotebook
    asked = (
        select(
            submitted.student_id.label("student"),
            submitted.timestamp,
            submitted.extension,
            api.Assignment.duedate,
            notebook.id.label("notebook"),
            notebook.late_submission_penalty.label("penalty"),
            api.GradeCell.name.label("cell"),
            api.GradeCell.max_score.label("maximum"),
            api.Grade.score,
            api.Grade.auto_score,
            api.Grade.manual_score,
            api.Grade.extra_credit,
            api.Grade.needs_manual_grade,
        )
        .join(api.Assignment, submitted.assignment_id == api.Assignment.id)
        .join(notebook, notebook.assignment_id == submitted.id)
        .outerjoin(api.Grade, api.Grade.notebook_id == notebook.id)
        .outerjoin(api.GradeCell, api.Grade.cell_id == api.GradeCell.id)
        .where(api.Assignment.name == assignment)
    )
    return asked if student is None else asked.where(submitted.student_id == student)


def _comments(session: Any, assignment: str, student: str | None) -> dict[tuple[str, str], str]:
    """What people have written beside cells, by student and cell; nbgrader's own remarks are not
    among them.
    """
    from nbgrader import api
    from sqlalchemy import select

    submitted, notebook = api.SubmittedAssignment, api.SubmittedNotebook
    asked: Any = (
        select(submitted.student_id, api.BaseCell.name, api.Comment.manual_comment)
        .join(notebook, api.Comment.notebook_id == notebook.id)
        .join(submitted, notebook.assignment_id == submitted.id)
        .join(api.Assignment, submitted.assignment_id == api.Assignment.id)
        .join(api.BaseCell, api.Comment.cell_id == api.BaseCell.id)
        .where(api.Assignment.name == assignment, api.Comment.manual_comment.is_not(None))
    )
    if student is not None:
        asked = asked.where(submitted.student_id == student)
    return {(who, cell): comment for who, cell, comment in session.execute(asked) if comment}
