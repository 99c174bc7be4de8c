"""What nbgrader's gradebook says of a class, read and not changed: points by cell, overrides,
comments, lateness.

The numbers are nbgrader's own: of a cell, what a person gave goes before what the grader gave, and
extra credit is added; of a submission, the penalty for lateness is taken from the sum, down to 0.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from autograder.course import Course
from autograder.errors import AutograderError

CHECK_PREFIX = "check_"  # of the cell that has a function's points
RESULT = "autograder"  # where an autograded notebook's metadata have the result that it got


@dataclass(frozen=True)
class Mark:
    """The points of one cell. automatic: what the grader gave, None where it gives nothing

    by_hand: whether a person has set or changed the points; open: whether one still has to
    comment: what a person wrote beside it, or beside the code of the function that it checks
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


def database(course: Course) -> str:
    """The gradebook as a database URL."""
    return course.settings.gradebook or f"sqlite:///{course.gradebook}"


def is_made(course: Course) -> bool:
    """Whether there is a gradebook: of one in a server, that is for the server to say."""
    return bool(course.settings.gradebook) or course.gradebook.is_file()


def roster(course: Course, assignment: str, student: str | None = None) -> Roster:
    """What the gradebook says of an assignment; of one student, if one is named. Empty where there
    is no gradebook, or no nbgrader.
    """
    if not is_made(course):
        return Roster({}, {})
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        return Roster({}, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _read(database(course), assignment, student)
        except SQLAlchemyError as error:
            what = f"the gradebook cannot be read: {str(error).splitlines()[0]}"
            mend = "Is it busy, or made by another version of nbgrader (nbgrader db upgrade)?"
            raise AutograderError(f"{what}. {mend}") from error


def _read(url: str, assignment: str, student: str | None) -> Roster:
    from sqlalchemy import create_engine, select

    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            person = _table("student")
            people: Any = select(person.c.id, person.c.first_name, person.c.last_name)
            if student is not None:
                people = people.where(person.c.id == student)
            names = {row[0]: " ".join(filter(None, row[1:])) for row in connection.execute(people)}
            rows = connection.execute(_question(assignment, student)).all()
            comments = _comments(connection, assignment, student)
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
            beside = row.cell.removeprefix(CHECK_PREFIX)  # of a function: the cell of its code
            said = (comments.get((row.student, cell), "") for cell in (row.cell, beside))
            found.cells[row.cell] = _mark(row, next(filter(None, said), ""))
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


TABLES = {  # of nbgrader's gradebook, and of their columns those that are read here
    "student": "id first_name last_name",
    "assignment": "id name duedate",
    "submitted_assignment": "id assignment_id student_id timestamp extension",
    "submitted_notebook": "id assignment_id late_submission_penalty",
    "base_cell": "id name",
    "grade_cells": "id max_score",
    "grade": "notebook_id cell_id auto_score manual_score extra_credit needs_manual_grade",
    "comment": "notebook_id cell_id manual_comment",
}
MOMENTS, SPANS = ("duedate", "timestamp"), ("extension",)


@cache
def _table(name: str) -> Any:
    """A table of the gradebook. Importing nbgrader for its own would cost two seconds of every run
    that finds nothing to do.
    """
    from sqlalchemy import DateTime, Interval, column, table

    kinds: dict[str, Any] = dict.fromkeys(MOMENTS, DateTime()) | dict.fromkeys(SPANS, Interval())
    columns = (column(title, kinds.get(title)) for title in TABLES[name].split())
    return table(name, *columns)


def _question(assignment: str, student: str | None) -> Any:
    """A row for each graded cell of each submission."""
    from sqlalchemy import case, func, select

    submitted, notebook = _table("submitted_assignment"), _table("submitted_notebook")
    task, cell, graded, grade = map(_table, ("assignment", "base_cell", "grade_cells", "grade"))
    given = func.coalesce(grade.c.manual_score, grade.c.auto_score)
    extra = func.coalesce(grade.c.extra_credit, 0.0)
    cells = grade.join(graded, grade.c.cell_id == graded.c.id).join(cell, cell.c.id == graded.c.id)
    asked = (
        select(
            submitted.c.student_id.label("student"),
            submitted.c.timestamp,
            submitted.c.extension,
            task.c.duedate,
            notebook.c.id.label("notebook"),
            notebook.c.late_submission_penalty.label("penalty"),
            cell.c.name.label("cell"),
            graded.c.max_score.label("maximum"),
            case((given.is_(None), 0.0), else_=given + extra).label("score"),
            grade.c.auto_score,
            grade.c.manual_score,
            grade.c.extra_credit,
            grade.c.needs_manual_grade,
        )
        .select_from(submitted)
        .join(task, submitted.c.assignment_id == task.c.id)
        .join(notebook, notebook.c.assignment_id == submitted.c.id)
        .outerjoin(cells, grade.c.notebook_id == notebook.c.id)
        .where(task.c.name == assignment)
        .order_by(submitted.c.student_id, notebook.c.id, cell.c.name)
    )
    return asked if student is None else asked.where(submitted.c.student_id == student)


def _comments(connection: Any, assignment: str, student: str | None) -> dict[tuple[str, str], str]:
    """What people have written beside cells, by student and cell; nbgrader's own remarks are not
    among them.
    """
    from sqlalchemy import select

    submitted, notebook = _table("submitted_assignment"), _table("submitted_notebook")
    task, cell, comment = map(_table, ("assignment", "base_cell", "comment"))
    asked: Any = (
        select(submitted.c.student_id, cell.c.name, comment.c.manual_comment)
        .select_from(comment)
        .join(notebook, comment.c.notebook_id == notebook.c.id)
        .join(submitted, notebook.c.assignment_id == submitted.c.id)
        .join(task, submitted.c.assignment_id == task.c.id)
        .join(cell, comment.c.cell_id == cell.c.id)
        .where(task.c.name == assignment, comment.c.manual_comment.is_not(None))
    )
    if student is not None:
        asked = asked.where(submitted.c.student_id == student)
    return {(who, cell): comment for who, cell, comment in connection.execute(asked) if comment}
