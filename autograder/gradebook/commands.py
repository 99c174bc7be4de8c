"""Every run of nbgrader, through its own API: release, autograde, feedback.

course/                              nbgrader's course; nbgrader_config.py at the root describes it
    release/<slug>/                  what `nbgrader generate_assignment` makes of source/<slug>/
    submitted/<student>/<slug>/      what was collected
    autograded/  feedback/  gradebook.db    nbgrader's own

What the engine has graded it finds in the course's results; it starts no kernel.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.authoring.handout import for_releases
from autograder.authoring.release import files_in, nbgrader_config
from autograder.course import Course
from autograder.errors import AutograderError, UsageError, to_install, words_of_the_database

TAIL = 12  # lines of nbgrader's log that an error shows


def generate(assignment: Assignment) -> list[Path]:
    """Have nbgrader make its release and enter the assignment in the gradebook, unless both are so;
    gives what changed.
    """
    if _is_generated(assignment):
        return []
    run_nbgrader(assignment.course, "generate_assignment", assignment.slug, force=True, create=True)
    return [assignment.course.release / assignment.slug]


def _is_generated(assignment: Assignment) -> bool:
    """Whether nbgrader's release is that of `assignments/`, and its gradebook knows it."""
    source, released = assignment.course.source / assignment.slug, assignment.released
    made = files_in(assignment.course.release / assignment.slug)
    if made.keys() != files_in(source).keys():
        return False
    if any((released / name).read_bytes() != made[name].read_bytes() for name in made):
        return False
    return is_entered(assignment)


def gradebook_name(course: Course) -> str:
    """Where a course's gradebook is, in words to show: a database URL without its password."""
    if not course.settings.gradebook:
        return str(course.gradebook)
    from sqlalchemy.engine import make_url

    return make_url(course.settings.gradebook).render_as_string(hide_password=True)


def is_entered(assignment: Assignment, *, unsure: bool = False) -> bool:
    """Whether the course's gradebook knows an assignment; `unsure` where it cannot be read."""
    if assignment.course.settings.gradebook:
        return _is_in_database(assignment)
    gradebook = assignment.course.gradebook
    if not gradebook.is_file():
        return False
    question = "select count(*) from assignment where name = ?"
    with contextlib.closing(sqlite3.connect(f"{gradebook.as_uri()}?mode=ro", uri=True)) as database:
        try:
            return bool(database.execute(question, (assignment.slug,)).fetchone()[0])
        except sqlite3.Error as error:
            return unsure and not str(error).startswith("no such table")


def hold_to_entered(assignment: Assignment) -> None:
    """UsageError where the gradebook does not know an assignment: there is nothing to enter in."""
    if not is_entered(assignment, unsure=True):  # what is locked or broken says so when it is used
        mend = f"autograder release {assignment.slug}"
        raise UsageError(f"the gradebook does not know {assignment.slug}. First: {mend}")


def _is_in_database(assignment: Assignment) -> bool:
    from nbgrader.api import Gradebook, MissingEntry

    with reached(assignment.course), Gradebook(assignment.course.settings.gradebook) as book:
        try:
            return bool(book.find_assignment(assignment.slug))
        except MissingEntry:
            return False


@contextlib.contextmanager
def reached(course: Course) -> Iterator[None]:
    """AutograderError, in one line without the password, where the gradebook's database is away, or
    what speaks to it is not installed.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with alembic_on_path(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ModuleNotFoundError as error:
        postgres = (error.name or "").startswith("psycopg")
        mend = f"For PostgreSQL: {to_install('postgres')}" if postgres else for_releases()
        what = f"the gradebook {gradebook_name(course)} needs {error.name}, which is not installed"
        raise UsageError(f"{what}. {mend}") from None
    except (SQLAlchemyError, OSError) as error:
        why = words_of_the_database(error)
        what = f"the gradebook cannot be reached: {gradebook_name(course)} ({why})"
        raise AutograderError(f"{what}. Is the server up, and the database made?") from None


def has_own_settings(course: Course) -> bool:
    """Whether the course's nbgrader_config.py tells nbgrader anything else than the kit does: then
    nbgrader's own converters do their work, at their cost.
    """
    from traitlets.config import Config

    from autograder.gradebook.settings import configure

    wanted = Config()
    configure(wanted, course.root)
    return bool(nbgrader_config(course) != wanted)


def make_ready(assignment: Assignment) -> None:
    """Have every student's folder hold what nbgrader takes for a submission: a notebook, and no
    time that is none. One that cannot be written to is named when it is entered.
    """
    from autograder.gradebook.timestamps import settle_timestamp

    for folder in sorted(assignment.course.submitted.glob(f"*/{assignment.slug}")):
        with contextlib.suppress(OSError):
            settle_timestamp(folder)
            if not os.path.lexists(folder / assignment.notebook.name):
                from autograder.gradebook.rebuild import wrap

                wrap(folder, assignment.slug)


def enter(assignment: Assignment, advance: Callable[[], None] = lambda: None) -> None:
    """Enter the class's results into the gradebook. advance: called as each student is begun"""
    asked = (assignment.slug, "*")
    with each_time("Autograding ", advance):
        run_nbgrader(assignment.course, "autograde", *asked, force=True, create=True)


def write_feedback(assignment: Assignment, advance: Callable[[], None] = lambda: None) -> None:
    """Write every student's feedback page. advance: called as each student is begun"""
    with each_time("Converting notebook ", advance):
        run_nbgrader(assignment.course, "generate_feedback", assignment.slug, force=True)


def refresh_penalties(course: Course, assignment: str = "", student: str = "") -> None:
    """Bring the penalties of late work up to the marks of now (`late.refresh`), where course.toml
    says what it costs, and nbgrader is there.
    """
    if not course.settings.late:
        return
    with contextlib.suppress(ImportError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from autograder.gradebook.late import refresh

        refresh(course, assignment, student)


def run_nbgrader(
    course: Course,
    method: str,
    *arguments: Any,
    directories: Mapping[str, str] | None = None,
    **options: Any,
) -> None:
    """Call a method of nbgrader's API on the course; AutograderError with the last lines of its log
    where it fails.

    directories: nbgrader's settings of the course's folders that differ for this call, such as
        {"submitted_directory": "watch/taken"}
    """
    try:
        from nbgrader.apps import NbGraderAPI
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed. {for_releases()}") from None
    with alembic_on_path(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = nbgrader_config(course)
        config.CourseDirectory.update(directories or {})
        result = getattr(NbGraderAPI(config=config), method)(*arguments, **options)
    if not result["success"]:
        if str(result.get("error")).rstrip().endswith("\nKeyboardInterrupt"):
            raise KeyboardInterrupt  # which nbgrader takes for an error like any other
        log = f"{result.get('log') or ''}{result.get('error') or ''}".strip()
        tail = "\n".join(log.splitlines()[-TAIL:])
        raise AutograderError(
            f"nbgrader's {method} of {arguments[0]} failed in {course.work}:\n{tail}"
        )


def serve_formgrader(course: Course, port: int, *, browser: bool) -> int:
    """Serve formgrader until it is interrupted; gives the server's exit status. A missing gradebook
    is made.
    """
    command = [sys.executable, "-m", "jupyter", "server", "--ServerApp.default_url=/formgrader"]
    command += [f"--ServerApp.root_dir={course.root}", f"--ServerApp.port={port}"]
    command += [] if browser else ["--no-browser"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    with alembic_on_path():
        return subprocess.run(command, cwd=course.root, check=False).returncode


@contextlib.contextmanager
def each_time(begins: str, advance: Callable[[], None]) -> Iterator[None]:
    """Call `advance` with each line of nbgrader's log that begins so: it tells its progress nowhere
    else.
    """
    from traitlets.log import get_logger

    def seen(record: logging.LogRecord) -> bool:
        if record.getMessage().startswith(begins):
            advance()
        return True

    log: Any = get_logger()
    log = getattr(log, "logger", log)
    log.addFilter(seen)
    try:
        yield
    finally:
        log.removeFilter(seen)


@contextlib.contextmanager
def alembic_on_path() -> Iterator[None]:
    """nbgrader makes a gradebook with the command `alembic`, which lies beside this Python,
    activated or not.
    """
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), before))
    try:
        yield
    finally:
        os.environ["PATH"] = before
