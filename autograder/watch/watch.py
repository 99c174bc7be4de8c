"""The watch: what arrives is graded, entered in the gradebook, and its feedback page written.

One watch a course, held by a lock. It keeps nothing in mind that does not follow from what lies on
disk: the ledger, the versions that count, the kept results. So it may be killed at any instant, and
the next one goes on.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial

from autograder.assignment import Assignment
from autograder.course import Course
from autograder.errors import PreflightFailed
from autograder.gradebook.lock import only_one
from autograder.grading.faults import faults_in
from autograder.grading.grader import Grader
from autograder.grading.preflight import preflight
from autograder.grading.store import Store
from autograder.grading.submission import Found, counts
from autograder.grading.workers import grade_class
from autograder.results import Result
from autograder.sandbox.process import Sandbox
from autograder.watch.arrivals import LOOK
from autograder.watch.entering import Entered, Entries
from autograder.watch.exchange import Exchange
from autograder.watch.jobs import Job, Jobs
from autograder.watch.staff import Changed, Staff

BATCH = 8  # submissions a worker, graded before they are entered


class Watch:
    """Grades on arrival.

    workers: submissions graded at a time
    settle: seconds for which a file must look the same before it is read
    tell: called with each result that is entered
    say: called with a line for whoever looks at the terminal
    """

    def __init__(
        self,
        course: Course,
        assignments: list[Assignment],
        *,
        workers: int,
        settle: float,
        tell: Callable[[Entered], None],
        say: Callable[[str], None],
    ) -> None:
        self.course, self.workers, self.say = course, workers, say
        self.graders = {one.slug: Grader.of_course(one) for one in assignments}
        self.ahead: set[str] = set()  # the assignments whose right answers were graded
        self.staff = Staff(course, assignments)
        self.jobs = Jobs(course, self.graders, settle=settle, at_a_time=BATCH * workers, say=say)
        self.exchange = None
        if course.settings.exchange:
            self.exchange = Exchange(course, list(self.graders), self.jobs.ledger, say)
        self.entries = Entries(self.graders, self.jobs, self.exchange, workers=workers, tell=tell)
        self._own = ExitStack()
        self._sandbox: Sandbox | None = None
        self._stores: dict[str, Store] = {}

    def close(self) -> None:
        """End the sandbox."""
        self._own.close()

    def run(self, *, once: bool = False) -> None:
        """Grade what lies there, and then what comes, until interrupted; with `once`, until nothing
        is left that may be graded now. Raises Changed where the staff's side has changed.
        """
        self.jobs.begin()
        while True:
            started = time.monotonic()
            if self.exchange is not None:
                self.exchange.collect()
            batch = self.jobs.batch()
            if not self.staff.unchanged():
                self.say("the staff's side is being changed; grading waits until it has settled")
                self.staff.wait()
                raise Changed
            if batch:
                self._try(batch, once)
            elif once and self.jobs.quiet():
                return
            else:
                time.sleep(max(LOOK, 10 * (time.monotonic() - started)))

    def _try(self, jobs: list[Job], once: bool) -> None:
        """Grade and enter some versions; where right answers lose points, nobody is graded until
        the staff's side has changed. With `once`, that ends the watch.
        """
        try:
            self._do(jobs)
        except PreflightFailed as error:
            if once:
                raise
            self.say(str(error))
            while self.staff.unchanged():
                time.sleep(LOOK)
            self.staff.wait()
            raise Changed from None

    def _do(self, jobs: list[Job]) -> None:
        """Grade and enter some versions, each assignment's in one go."""
        for slug in dict.fromkeys(job.folder.slug for job in jobs):
            mine = [job for job in jobs if job.folder.slug == slug]
            try:
                results = self._grade(slug, mine)
            except OSError as error:  # no room for another process, or on the disk
                for job in mine:
                    self.jobs.again(job, str(error))
                continue
            self.entries.enter(slug, [(job, results[place]) for place, job in enumerate(mine)])

    def _grade(self, slug: str, jobs: list[Job]) -> list[Result]:
        grader = self.graders[slug]
        grader.sandbox = self._warm()
        found = [Found(counts(job.folder.path, slug), job.student) for job in jobs]
        store = self._store(slug)
        before = partial(self._right_answers_first, slug)
        graded = grade_class(grader, found, self.workers, store=store, before=before)
        with closing(graded) as results:
            return list(results)

    def _store(self, slug: str) -> Store:
        """Where results are kept; made anew where something could not be kept, or another table of
        known programs lies there: what decides a result is found out once a store, and takes time.
        """
        store, before = Store(self.course.results, self.graders[slug]), self._stores.get(slug)
        if before is None or not before.whole or before.known != store.known:
            self._stores[slug] = store
        return self._stores[slug]

    def _right_answers_first(self, slug: str, rounds: set[int]) -> None:
        """Once for these checks, and not for each round: here a round begins with the first version
        after a page, and ten gradings before each would be the queue.
        """
        if slug not in self.ahead:
            preflight(self.graders[slug], {min(rounds)}, self.workers, self.course.results)
            self.ahead.add(slug)

    def _warm(self) -> Sandbox:
        """The sandbox that all assignments share, started anew where it has ended."""
        if self._sandbox is None or not self._sandbox.running:
            self._own.close()
            self._sandbox = self._own.enter_context(Sandbox.start())
        return self._sandbox


def watch(
    course: Course,
    assignments: list[Assignment],
    *,
    workers: int,
    settle: float,
    once: bool,
    say: Callable[[str], None],
) -> int:
    """Watch a course, alone, until interrupted; see `Watch`. Where the staff's side changes, the
    process begins anew by itself. Gives the exit status: 1 where something could not be done.
    """
    import autograder.gradebook.entry  # noqa: F401 - here, and not by each worker

    def tell(entered: Entered) -> None:
        result = entered.result
        points = f"{result.score:g}/{result.max_score:g} points, {result.status}"
        who = f"{result.student}, {result.assignment}"
        say(f"{who}: {points}, {entered.seconds:.1f} s after it arrived")

    with only_one(course), faults_in(course.log):
        watching = Watch(course, assignments, workers=workers, settle=settle, tell=tell, say=say)
        names = ", ".join(watching.graders)
        say(f"watching {course.submitted} for {names}; Ctrl-C ends it")
        try:
            with closing(watching):
                watching.run(once=once)
        except Changed:
            say("the staff's side has changed; beginning anew")
            os.execv(sys.executable, sys.orig_argv)
        return 1 if watching.jobs.failed or watching.jobs.refused else 0
