"""What the watch has graded, into the gradebook and onto the students' pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.assignment import Assignment
from autograder.errors import AutograderError
from autograder.gradebook.entered import SECONDS, Entry
from autograder.gradebook.marks import roster
from autograder.gradebook.roster import doubts
from autograder.gradebook.single import Folders, enter_student
from autograder.grading.faults import faults
from autograder.grading.grader import Grader
from autograder.grading.rounds import Rounds
from autograder.grading.workers import run_on_workers
from autograder.pages.delivery import write_page
from autograder.results import Result
from autograder.watch.exchange import Exchange
from autograder.watch.jobs import Job, Jobs

if TYPE_CHECKING:
    from autograder.gradebook.entry import Entering

FOLDERS = Folders("watch/taken", "watch/autograded", "watch/feedback")


@dataclass(frozen=True)
class Entered:
    """A result that is in the gradebook, and how long that took since it was seen, in seconds."""

    result: Result
    seconds: float


class Entries:
    """Enters what was graded.

    graders: of the assignments that are watched, by their names
    jobs: where it says what is done, and what is to be tried again
    exchange: nbgrader's, where pages are given back through it
    tell: called with each result that is entered
    """

    def __init__(
        self,
        graders: Mapping[str, Grader],
        jobs: Jobs,
        exchange: Exchange | None,
        *,
        workers: int,
        tell: Callable[[Entered], None],
    ) -> None:
        self.graders, self.jobs, self.exchange = graders, jobs, exchange
        self.workers, self.tell = workers, tell
        self._enterings: dict[str, Entering | None] = {}
        self._seen: set[str] = set()

    def enter(self, slug: str, graded: list[tuple[Job, Result]]) -> None:
        """Enter results of an assignment in the gradebook and write the pages; what fails is tried
        again later.
        """
        good = []
        for job, result in graded:
            if result.status == "grader_error" or result.by_clock == "crowded":
                self.jobs.ungraded(job, result.message or "the machine is too busy to time it")
            else:
                good.append((job, result))
        notes = {job.student: self.jobs.note(job) for job, _ in good}
        try:
            entering = self._entering(slug)
            self._tell_doubts({job.student for job, _ in good})
        except Exception as error:  # the database is away, for instance
            why = str(error)
            if not isinstance(error, AutograderError):
                faults.error("opening the gradebook", exc_info=error)
                why = f"{type(error).__name__}: {error}"
            for job, _ in good:
                self.jobs.again(job, why)
            return
        grader = self.graders[slug]
        work = partial(_enter, grader.assignment, entering, notes, self.exchange, grader.rounds)
        entries = [
            Entry(job.student, job.folder.path, Path(result.submission), result)
            for job, result in good
        ]
        count = min(self.workers, len(entries))
        for place, answer in run_on_workers(work, entries, count, SECONDS):
            job, result = good[place]
            if answer is not None:
                self.jobs.again(job, str(answer))
                continue
            try:
                self.jobs.done(job)
            except OSError as error:  # it is entered, and nobody would know
                self.jobs.again(job, str(error))
                continue
            self.tell(Entered(result, time.monotonic() - job.since))

    def _tell_doubts(self, students: set[str]) -> None:
        """Say what is odd about the names of those who have come, once."""
        new = students - self._seen
        if new:
            for doubt in doubts(roster(self.jobs.course, "").names, new):
                self.jobs.say(doubt)
            self._seen |= new

    def _entering(self, slug: str) -> Entering | None:
        """What enters students of an assignment; None where nbgrader's own converters do."""
        if slug not in self._enterings:
            from autograder.gradebook.entry import Entering, is_ours

            assignment = self.graders[slug].assignment
            self._enterings[slug] = Entering(assignment) if is_ours(assignment) else None
        return self._enterings[slug]


def _enter(
    assignment: Assignment,
    entering: Entering | None,
    notes: dict[str, str],
    exchange: Exchange | None,
    rounds: Rounds | None,
    entry: Entry,
) -> str | None:
    """In a worker: enter one student, and give the page back; gives what went wrong.

    entering: None where nbgrader's own converters do it
    """
    student = entry.student
    try:
        if entering is None:
            enter_student(assignment, student, FOLDERS, notes[student])
        else:
            entering.enter(entry)
            write_page(assignment, student, notes[student], rounds)
        if exchange is not None:
            exchange.release(assignment.slug, student)
    except AutograderError as error:
        return str(error)
    except Exception as error:  # nbgrader on a student's name, a database that is away, ...
        faults.error("entering %r", student, exc_info=error)
        return f"{type(error).__name__}: {error}"
    return None
