"""The feedback pages of a class, written on several processes, as `nbgrader generate_feedback` with
our exporter leaves them. A page of which nothing has changed is left alone.

    course/feedback/<student>/<assignment>/                  the page; when, and the secret
    course/marked/<assignment>/<student>/page.json           of what the page was made
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from autograder.assignment import Assignment
from autograder.course import folder_laid, write_whole
from autograder.errors import AutograderError
from autograder.gradebook.commands import refresh_penalties
from autograder.gradebook.entered import SECONDS, autograded, folder_of, kept, signature
from autograder.gradebook.marks import Marks, roster
from autograder.gradebook.single import annotated
from autograder.gradebook.timestamps import SECRET, TIMESTAMP
from autograder.grading.faults import faults
from autograder.grading.rounds import Rounds
from autograder.grading.workers import WorkerEnded, run_on_workers

FILE = "page.json"


def write_pages(
    assignment: Assignment,
    workers: int,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> list[str]:
    """Write the pages that are missing or out of date; gives what could not be written, and why.

    advance: called with how many are done, of how many
    """
    course, slug = assignment.course, assignment.slug
    refresh_penalties(course, slug)
    marks = roster(course, slug).marks
    folders = course.work.glob(f"autograded/*/{slug}/{slug}.ipynb")
    students = sorted(path.parent.parent.name for path in folders)
    students = [name for name in students if not name.startswith(".")]
    delivery = Delivery(assignment)
    tasks = [(name, marks.get(name)) for name in students]
    tasks = [task for task in tasks if not delivery.is_written(*task)]
    if not tasks:
        return []
    import autograder.pages.feedback  # noqa: F401 - here, and not by each worker

    Rounds(course.rounds(slug)).close()  # feedback goes out
    problems, done = [], len(students) - len(tasks)
    advance(done, len(students))
    answers = run_on_workers(delivery, tasks, min(workers, len(tasks)), SECONDS)
    for place, problem in answers:
        done += 1
        advance(done, len(students))
        if isinstance(problem, WorkerEnded):
            problem = f"the process ended ({problem})"
        if problem is not None:
            problems.append(f"{tasks[place][0]}: {problem}")
    return sorted(problems)


def write_page(
    assignment: Assignment, student: str, note: str, rounds: Rounds | None = None
) -> None:
    """Write one student's page, with a note on top (plain text). rounds: the assignment's, where
    somebody has read them already
    """
    course, slug = assignment.course, assignment.slug
    refresh_penalties(course, slug, student)
    marks = roster(course, slug, student).marks.get(student)
    (rounds or Rounds(course.rounds(slug))).close()  # feedback goes out
    Delivery(assignment).write(student, marks, note)


class Delivery:
    """Writes pages of one assignment. Made before the workers are, and then used in each."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment

    def __call__(self, task: tuple[str, Marks | None]) -> str | None:
        """Write a student's page; gives what went wrong."""
        try:
            self.write(*task)
        except (AutograderError, OSError) as error:
            return str(error)
        except Exception as error:  # a notebook that another version has written, for instance
            faults.error("the page of %r", task[0], exc_info=error)
            return f"{type(error).__name__}: {error}; see {self.assignment.course.log}"
        return None

    def write(self, student: str, marks: Marks | None, note: str = "") -> None:
        """Put a page in the place of what was there; the record that it is there comes last."""
        from autograder.pages import feedback  # not loaded where every page is as it was

        notebook, slug = autograded(self.assignment, student), self.assignment.slug
        stamp = self._stamp(student, marks)
        cells = json.loads(notebook.read_text(encoding="utf-8"))
        text = feedback.feedback_page(self.assignment, student, cells, marks)
        place = self.page(student).parent
        with folder_laid(self.assignment.course, place, 0o644) as made:
            write_whole(made / f"{slug}.html", annotated(text, note) if note else text)
            for name in (TIMESTAMP, SECRET):
                if (notebook.parent / name).is_file():
                    write_whole(made / name, (notebook.parent / name).read_bytes())
        told = {"stamp": stamp, "page": signature(self.page(student))}
        write_whole(folder_of(self.assignment, student) / FILE, json.dumps(told) + "\n")

    def page(self, student: str) -> Path:
        slug = self.assignment.slug
        return self.assignment.course.feedback / student / slug / f"{slug}.html"

    def is_written(self, student: str, marks: Marks | None) -> bool:
        """Whether a student's page is there as it would be written now."""
        known = kept(folder_of(self.assignment, student) / FILE)
        if known.get("stamp") != self._stamp(student, marks):
            return False
        return bool(known.get("page")) and known["page"] == signature(self.page(student))

    def _stamp(self, student: str, marks: Marks | None) -> str:
        """Changes with all that a page is made of."""
        notebook = autograded(self.assignment, student)
        told = repr((self._made_by, signature(notebook), marks))
        return hashlib.sha256(told.encode(errors="replace")).hexdigest()

    @cached_property
    def _made_by(self) -> str:
        """Changes with the code of the pages, their templates, and the assignment."""
        digest = hashlib.sha256(self.assignment.digest.encode())
        for file in sorted(Path(__file__).parent.rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                digest.update(file.name.encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()
