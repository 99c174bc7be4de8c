"""Graded submissions into the gradebook and the notebooks, as `nbgrader autograde` leaves them.

nbgrader's converter (`bridge`) reads, validates and writes every notebook twice and opens the
gradebook eight times for each. Here what all students share is made once, by nbgrader's own
preprocessors, and each worker keeps the gradebook open: a transaction a student, and then the
notebook, renamed into its place. What is there in the end is the same, to the byte.

    course/marked/<slug>/<student>/answers.json       the answers as graded last (`bridge`)
    course/marked/<slug>/<student>/entered.json       what was entered last (`entered`)
"""

from __future__ import annotations

import copy
import fcntl
import hashlib
import json
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import writes
from nbgrader import api, utils
from nbgrader.preprocessors import CheckCellMetadata, OverwriteCells
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from autograder.assignment import Assignment
from autograder.course import Course, folder_laid, write_whole
from autograder.errors import AutograderError, SubmissionError, words_of_the_database
from autograder.gradebook.bridge import (
    answers_in,
    as_it_was,
    hold_to_the_release,
    is_open,
    known_answers,
    not_graded,
    write_outputs,
)
from autograder.gradebook.commands import alembic_on_path, has_own_settings
from autograder.gradebook.entered import SECONDS, Entry, Record, autograded, folder_of
from autograder.gradebook.late import charge
from autograder.gradebook.marks import RESULT, database
from autograder.gradebook.rebuild import rebuild, wrap
from autograder.gradebook.rendering import warm
from autograder.gradebook.timestamps import hand_on, settle_timestamp, timestamp_in
from autograder.grading.faults import faults
from autograder.grading.submission import read_bytes
from autograder.grading.workers import WorkerEnded, run_on_workers

PATIENCE = 60_000  # milliseconds for which SQLite waits for another's lock
TRIES = 2  # of an entry, where another process enters the same student


def is_ours(assignment: Assignment) -> bool:
    """Whether all that nbgrader's converter would do is done here: the course's settings are those
    of `settings`, and nothing beside, and the assignment has one notebook.
    """
    if has_own_settings(assignment.course):
        return False
    with opened(assignment.course) as book:
        try:
            notebooks = book.find_assignment(assignment.slug).notebooks
        except api.MissingEntry:
            return False
        return [notebook.name for notebook in notebooks] == [assignment.slug]


@contextmanager
def opened(course: Course) -> Iterator[Any]:
    """The course's gradebook."""
    with alembic_on_path(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with api.Gradebook(database(course)) as book:
            yield book


def enter_class(
    assignment: Assignment,
    entries: Sequence[Entry],
    workers: int,
    advance: Callable[[], None] = lambda: None,
) -> list[str]:
    """Enter graded submissions on so many processes; gives what could not be entered, and why.

    advance: called when a student is done
    """
    entering, problems = Entering(assignment), []
    answers = run_on_workers(entering, entries, min(workers, len(entries)), SECONDS)
    for place, problem in answers:
        advance()
        if isinstance(problem, WorkerEnded):
            problem = f"the process ended ({problem})"
        if problem is not None:
            problems.append(f"{entries[place].student}: {problem}")
    return sorted(problems)


class Entering:
    """Enters students of one assignment. Made before the workers are, and then used in each."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment, self.course = assignment, assignment.course
        shutil.rmtree(self.course.work / "entering", ignore_errors=True)  # of a run that was killed
        self.template = self._template()
        warm()

    def __call__(self, entry: Entry) -> str | None:
        """Enter a student; gives what went wrong, and then nothing is in place."""
        try:
            self.enter(entry)
        except (AutograderError, OSError) as error:
            return str(error)
        except SQLAlchemyError as error:
            return words_of_the_database(error)
        except Exception as error:  # nbgrader on a student's name, for instance
            faults.error("entering %r", entry.student, exc_info=error)
            return f"{type(error).__name__}: {error}; see {self.course.log}"
        return None

    def enter(self, entry: Entry) -> None:
        """Enter a student: the gradebook first, then the notebook, then the record that both are
        there.
        """
        try:
            entry.student.encode()
        except UnicodeEncodeError:
            what = f"the folder's name {entry.student!r} is not UTF-8, and no database takes it"
            raise AutograderError(f"{what}. Rename it") from None
        wrap(entry.folder, self.assignment.slug)
        settle_timestamp(entry.folder)
        self._check(entry)
        notebook = rebuild(self.assignment, entry.path, copy.deepcopy(self.template))
        write_outputs(notebook, self.assignment, entry.result)
        told = entry.result.filed_as("", None).to_json()
        notebook.metadata[RESULT] = nbformat.from_dict(told)
        folder = folder_of(self.assignment, entry.student)
        answers = answers_in(entry.path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            automatic = self._mark(entry, notebook, known_answers(folder / "answers.json"), answers)
        write_whole(folder / "answers.json", json.dumps(answers, indent=1) + "\n")
        placed = self._lay(entry, notebook)
        Record.of(self.assignment, self.course, entry, placed, automatic).write(folder)

    def _check(self, entry: Entry) -> None:
        """Nothing is entered of what was not graded, or is other by now."""
        if entry.result.status == "grader_error":
            raise AutograderError(f"{entry.result.message}; see {self.course.log}")
        with suppress(SubmissionError):
            digest = hashlib.sha256(read_bytes(entry.path)).hexdigest()
            if entry.result.digest and entry.result.digest != digest:
                raise AutograderError("the file has changed since it was graded: grade again")

    # --- the notebook ----------------------------------------------------------------------------

    def _template(self) -> NotebookNode:
        """The released notebook without answers, as nbgrader's first pass makes it of any."""
        notebook = nbformat.read(self.assignment.notebook, as_version=4)
        write_outputs(notebook, self.assignment, not_graded(self.assignment))
        slug = self.assignment.slug
        named = {"notebook": slug, "assignment": slug, "db_url": database(self.course)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for step in (OverwriteCells(), CheckCellMetadata()):
                resources: Any = {"nbgrader": named}
                notebook, _ = step.preprocess(notebook, resources)
        hold_to_the_release(notebook, self.assignment)
        return notebook

    def _lay(self, entry: Entry, notebook: NotebookNode) -> Path:
        """Put the notebook, and what goes on to feedback, in the place of what was there; gives the
        notebook's.
        """
        place = autograded(self.assignment, entry.student)
        with folder_laid(self.course, place.parent, 0o444) as made:
            write_whole(made / place.name, writes(notebook) + "\n")
            hand_on(entry.folder, made)
        return place

    # --- the gradebook ---------------------------------------------------------------------------

    @cached_property
    def _book(self) -> Any:
        """The gradebook, opened by the process that enters."""
        with alembic_on_path():
            book = api.Gradebook(database(self.course))
        if book.engine.dialect.name == "sqlite":
            book.db.execute(text(f"PRAGMA busy_timeout = {PATIENCE}"))
        return book

    @cached_property
    def _rows(self) -> Rows:
        return Rows.of(self._book, self.assignment.slug)

    def _mark(
        self, entry: Entry, notebook: NotebookNode, before: dict[str, str], answers: dict[str, str]
    ) -> dict[str, float | None]:
        """Write a student's points into the gradebook, in one transaction; gives the automatic
        ones, by cell.
        """
        session = self._book.db
        for number in range(1, TRIES + 1):
            try:
                with self._turn():
                    automatic = self._marked(entry, notebook, before, answers)
                    session.commit()
                return automatic
            except IntegrityError:  # another process has just entered the same student
                session.rollback()
                if number == TRIES:
                    raise
            except BaseException:
                session.rollback()
                raise
        raise AssertionError("one of the tries returns or raises")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One worker's turn to write, where the database lets one write at a time: who waits for
        SQLite looks again and again, asleep in between. The kernel wakes at once, and gives the
        turn of a worker that ends to the next.
        """
        if self._queue is None:
            yield
            return
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)

    @cached_property
    def _queue(self) -> IO[str] | None:
        """What this process queues at; None where the database serves several at once."""
        if self._book.engine.dialect.name != "sqlite":
            return None
        file = self.course.work / "marked" / ".turn"
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("a")

    def _marked(
        self, entry: Entry, notebook: NotebookNode, before: dict[str, str], answers: dict[str, str]
    ) -> dict[str, float | None]:
        session, rows = self._book.db, self._rows
        submission, mine = self._submission(entry)
        grades = session.scalars(select(api.Grade).where(api.Grade.notebook_id == mine.id))
        grade_of = {rows.names[grade.cell_id]: grade for grade in grades}
        comments = session.scalars(select(api.Comment).where(api.Comment.notebook_id == mine.id))
        comment_of = {rows.names[comment.cell_id]: comment for comment in comments}
        automatic = {}
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if utils.is_grade(cell):
                answer = name if utils.is_solution(cell) else ""
                same = as_it_was(answer, before, answers)
                automatic[name], _ = utils.determine_grade(cell)
                grade(grade_of[name], automatic[name], same=same)
            if utils.is_solution(cell) or utils.is_task(cell):
                comment_of[name].auto_comment = no_response(cell)
        self._judge_lateness(entry, submission, mine)
        return automatic

    def _submission(self, entry: Entry) -> tuple[Any, Any]:
        """The rows of a student's submission and of its notebook, made where there are none."""
        session, rows = self._book.db, self._rows
        moment = timestamp_in(entry.folder)
        asked = (
            select(api.SubmittedAssignment, api.SubmittedNotebook)
            .join(
                api.SubmittedNotebook,
                api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id,
            )
            .where(
                api.SubmittedAssignment.assignment_id == rows.assignment,
                api.SubmittedAssignment.student_id == entry.student,
                api.SubmittedNotebook.notebook_id == rows.notebook,
            )
        )
        found = session.execute(asked).one_or_none()
        if found is None:
            found = self._new(entry.student)
        if moment is not None:
            found[0].timestamp = moment
        return found[0], found[1]

    def _new(self, student: str) -> tuple[Any, Any]:
        """What nbgrader's `add_submission` lays: the grades and comments of its cells, empty."""
        session, rows = self._book.db, self._rows
        if session.get(api.Student, student) is None:
            session.add(api.Student(id=student))
            session.flush()
        submission = api.SubmittedAssignment(
            id=api.new_uuid(), assignment_id=rows.assignment, student_id=student
        )
        notebook = api.SubmittedNotebook(
            id=api.new_uuid(), notebook_id=rows.notebook, assignment_id=submission.id
        )
        session.add(submission)
        session.flush()
        session.add(notebook)
        session.flush()
        session.add_all(api.Grade(cell_id=cell, notebook_id=notebook.id) for cell in rows.graded)
        session.add_all(
            api.Comment(cell_id=cell, notebook_id=notebook.id) for cell in rows.commented
        )
        session.flush()
        return submission, notebook

    def _judge_lateness(self, entry: Entry, submission: Any, notebook: Any) -> None:
        """Enter the extension that course.toml gives, and what lateness costs."""
        settings, due = self.course.settings, self._rows.due
        given = settings.extensions.get(self.assignment.slug)
        if given is not None:
            days = given.get(entry.student, 0)
            submission.extension = timedelta(days=days) if days and due else None
        if notebook.late_submission_penalty is not None:
            notebook.late_submission_penalty = None
        if settings.late and due:
            self._book.db.flush()
            charge(self._book, submission, settings.late)


class Rows:
    """The rows of an assignment that every submission of it refers to, by their ids.

    names: of cells; graded, commented: the cells of which a submission has a grade, a comment
    due: whether there is a due date
    """

    def __init__(self, assignment: Any, notebook: str, cells: Sequence[Any]) -> None:
        self.assignment, self.due = assignment.id, assignment.duedate is not None
        self.notebook = notebook
        self.names = {cell.id: cell.name for cell in cells}
        self.graded = [cell.id for cell in cells if cell.type in ("GradeCell", "TaskCell")]
        self.commented = [cell.id for cell in cells if cell.type in ("SolutionCell", "TaskCell")]

    @classmethod
    def of(cls, book: Any, slug: str) -> Rows:
        assignment = book.find_assignment(slug)
        (notebook,) = assignment.notebooks
        asked: Any = select(api.BaseCell.id, api.BaseCell.name, api.BaseCell.type)
        cells = book.db.execute(asked.where(api.BaseCell.notebook_id == notebook.id)).all()
        rows = cls(assignment, notebook.id, cells)
        book.db.commit()
        return rows


def grade(row: Any, points: float | None, *, same: bool) -> None:
    """Write automatic points, as `bridge.SaveMarks` does. same: whether the answer is the one that
    was graded last
    """
    row.auto_score = points
    row.needs_manual_grade = is_open(row, waited=bool(row.needs_manual_grade), same=same)


def no_response(cell: NotebookNode) -> str | None:
    """nbgrader's own remark on an answer that was left as it was."""
    settings = cell.metadata.nbgrader
    left = settings.get("checksum") == utils.compute_checksum(cell) and not utils.is_task(cell)
    return "No response." if left else None
