"""The watch: what arrives is graded, entered in the gradebook, and its feedback page written.

One watch a course, held by a lock. It keeps nothing in mind that does not follow from what lies on
disk: the ledger, the versions that count, the kept results. So it may be killed at any instant, and
the next one goes on.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.assignment import Assignment, find_assignment
from autograder.course import SETTINGS, Course
from autograder.errors import AutograderError, PreflightFailed
from autograder.gradebook.entered import Entry
from autograder.gradebook.lock import only_one
from autograder.gradebook.single import Folders, annotate, enter_student
from autograder.grading.faults import faults, faults_in
from autograder.grading.grader import Grader, attempt
from autograder.grading.preflight import preflight
from autograder.grading.rounds import Rounds
from autograder.grading.store import Store
from autograder.grading.submission import Found, Submission, counts
from autograder.grading.workers import grade_class, run_on_workers
from autograder.pages.delivery import write_page
from autograder.results import Result
from autograder.sandbox.process import Sandbox
from autograder.watch.allowance import Allowance
from autograder.watch.arrivals import PATIENCE, Arrivals, Folder
from autograder.watch.exchange import Exchange
from autograder.watch.ledger import Account, Ledger, version_in

if TYPE_CHECKING:
    from autograder.gradebook.entry import Entering

log = logging.getLogger(__name__)
FOLDERS = Folders("watch/taken", "watch/autograded", "watch/feedback")
BATCH = 8  # submissions a worker, graded before they are entered
RETRY = 60.0  # seconds until what failed is tried again
STAFF_SETTLES = 5.0  # seconds for which a changed staff folder must stay as it is
LOOK = 0.5  # seconds between two looks; more where a look takes long
SELDOM = 30  # times what a look takes, until the next where something is left of it: it goes
# through the whole class, and a batch does not


class Changed(Exception):
    """A staff folder is not what it was: what was loaded of it is out of date."""


@dataclass(frozen=True)
class Job:
    """A version that counts and is not entered yet. since: when it was seen, by the clock of
    `time.monotonic`; problem: why what was handed in could not even be copied
    """

    folder: Folder
    key: str
    since: float
    problem: str = ""

    @property
    def student(self) -> str:
        return self.folder.student


@dataclass(frozen=True)
class Entered:
    """A result that is in the gradebook, and how long that took since it was seen, in seconds."""

    result: Result
    seconds: float


class Staff:
    """The staff's side as it was when the watch began."""

    def __init__(self, course: Course, assignments: list[Assignment]) -> None:
        self.course = course
        self.digests = {assignment.slug: assignment.digest for assignment in assignments}
        self.folders = [assignment.folder for assignment in assignments]
        self.signature = self._signature()

    def unchanged(self) -> bool:
        """Whether nothing that may change a grade has changed."""
        signature = self._signature()
        if signature == self.signature:
            return True
        if self._now() != self.digests:
            return False
        self.signature = signature
        return True

    def wait(self) -> None:
        """Return when nothing has changed for a while, and everything holds together."""
        before, since = self._signature(), time.monotonic()
        while time.monotonic() - since < STAFF_SETTLES or self._now() is None:
            time.sleep(LOOK)
            if (signature := self._signature()) != before:
                before, since = signature, time.monotonic()

    def _now(self) -> dict[str, str] | None:
        try:
            return {slug: find_assignment(self.course, slug).digest for slug in self.digests}
        except (AutograderError, OSError):
            return None

    def _signature(self) -> list[tuple[str, int, int]]:
        signed = []
        for folder in (*self.folders, self.course.root / SETTINGS):
            for path in sorted([folder, *folder.rglob("*")]):
                with suppress(OSError):
                    status = path.stat()
                    signed.append((str(path), status.st_mtime_ns, status.st_size))
        return signed


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
        self.course, self.workers, self.tell, self.say = course, workers, tell, say
        self.allowance = Allowance.of(course)
        self.ledger = Ledger(course)
        self.arrivals = Arrivals(course.submitted, [one.slug for one in assignments], settle)
        self.graders = {one.slug: Grader.of_course(one) for one in assignments}
        self.ahead: set[str] = set()  # the assignments whose right answers were graded
        self.exchange = None
        if course.settings.exchange:
            self.exchange = Exchange(course, list(self.graders), say)
        self.staff = Staff(course, assignments)
        self.failed: dict[Folder, tuple[Job, float]] = {}  # and when each is tried again
        self.tries: dict[Folder, int] = {}
        self.at_a_time = BATCH * workers
        self._own = ExitStack()
        self._sandbox: Sandbox | None = None
        self._enterings: dict[str, Entering | None] = {}
        self._stores: dict[str, Store] = {}
        self._ready: deque[Folder] = deque()  # what the last look found, and nobody has considered
        self._next_look = 0.0  # by `time.monotonic`

    def close(self) -> None:
        """End the sandbox."""
        self._own.close()

    def run(self, *, once: bool = False) -> None:
        """Grade what lies there, and then what comes, until interrupted; with `once`, until nothing
        is left that may be graded now. Raises Changed where a staff folder has changed.
        """
        self.ledger.clear()
        waiting = self._unfinished()
        while True:
            started = time.monotonic()
            if self.exchange is not None:
                self.exchange.collect()
            jobs = waiting | self._due()
            if len(jobs) < self.at_a_time:
                jobs |= self._arrived()
            batch = dict(list(jobs.items())[: self.at_a_time])
            waiting = {place: job for place, job in jobs.items() if place not in batch}
            if not self.staff.unchanged():
                self.say("a staff folder is being changed; grading waits until it has settled")
                self.staff.wait()
                raise Changed
            if batch:
                self._try(list(batch.values()), once)
            elif once and self.arrivals.quiet():
                return
            else:
                time.sleep(max(LOOK, 10 * (time.monotonic() - started)))

    # --- what is to be done ----------------------------------------------------------------------

    def _unfinished(self) -> dict[Folder, Job]:
        """What counted before this run and was not entered, or was graded by other checks."""
        jobs = {}
        for slug in self.graders:
            for folder in self.ledger.unfinished(slug):
                account = self.ledger.account(slug, folder.student)
                if not account.accepted or account.entered == self._stamp(slug, account.accepted):
                    continue
                if version_in(folder).key == account.accepted:
                    jobs[folder] = Job(folder, account.accepted, time.monotonic())
        return jobs

    def _stamp(self, slug: str, key: str) -> str:
        """What the ledger says when a version is entered, as these checks grade it."""
        return f"{key} {self.graders[slug].assignment.digest}"

    def _due(self) -> dict[Folder, Job]:
        """What failed, and is to be tried again now."""
        now = time.monotonic()
        due = {folder: job for folder, (job, when) in self.failed.items() if when <= now}
        for folder in due:
            del self.failed[folder]
        return due

    def _arrived(self) -> dict[Folder, Job]:
        """What is new, settled, and may be graded now; a batch at the most."""
        jobs: dict[Folder, Job] = {}
        now = time.monotonic()
        if not self._ready or now >= self._next_look:
            self._ready = deque(self.arrivals.look())
            self._next_look = now + SELDOM * (time.monotonic() - now)
        while self._ready and len(jobs) < self.at_a_time:
            job = self._consider(self._ready.popleft())
            if job is not None:
                self.failed.pop(job.folder, None)
                jobs[job.folder] = job
        return jobs

    def _consider(self, folder: Folder) -> Job | None:
        """Accept what lies in a student's folder, where it is new and its time has come."""
        version, slug, student = version_in(folder), folder.slug, folder.student
        if not self.arrivals.unchanged(folder):
            return None  # written to while it was read: the next look sees that
        account, now = self.ledger.account(slug, student), time.time()
        if account.entered == self._stamp(slug, version.key):
            self.arrivals.done(folder)
            return None
        with self.ledger.laid(slug, version) as laid:
            readable = self._reads(slug, laid, student)
            if not readable and self.arrivals.waited(folder) < PATIENCE * self.arrivals.settle:
                self.arrivals.postpone(folder, now + self.arrivals.settle, deferred=False)
                return None
            accepted = account.accepting(version, self.allowance, now, free=not readable)
            opens = self.allowance.opens_at(account.full_at, now)
            if accepted.full_at != account.full_at and opens > now:
                self._defer(folder, opens)
                return None
            self.ledger.write(slug, accepted)
            self.ledger.keep(laid, slug, student)
        self.arrivals.done(folder)
        if version.problem:
            self.say(f"{student}, {slug}: {version.problem}")
        since = time.monotonic() - self.arrivals.waited(folder)
        place = Folder(self.ledger.taken(slug, student), student, slug)
        return Job(place, version.key, since, version.problem)

    def _reads(self, slug: str, laid: Path, student: str) -> bool:
        """Whether a version can be read at all. One that cannot be tells nobody anything about a
        hidden check, so it costs no token; and it may be the half of one that is being copied.
        """
        return isinstance(
            attempt(self.graders[slug], Found(counts(laid, slug), student)), Submission
        )

    def _defer(self, folder: Folder, opens: float) -> None:
        """Leave a version until its student may have one graded again, and say so on the page."""
        self.arrivals.postpone(folder, opens, deferred=True)
        when = clock(opens)
        note = f"A newer version has been handed in. It is graded after {when}; of several, the "
        note += "latest one counts. This page is about the version before."
        self.say(f"{folder.student}, {folder.slug}: waits until {when}")
        for page in (self.course.feedback / folder.student / folder.slug).glob("*.html"):
            try:
                annotate(page, note)
            except (OSError, ValueError) as error:
                self.say(f"{folder.student}, {folder.slug}: no note on the page ({error})")

    # --- doing it --------------------------------------------------------------------------------

    def _try(self, jobs: list[Job], once: bool) -> None:
        """Grade and enter some versions; where right answers lose points, nobody is graded until a
        staff folder has changed. With `once`, that ends the watch.
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
            results = self._grade(slug, mine)
            self._enter(slug, [(job, results[place]) for place, job in enumerate(mine)])

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

    def _enter(self, slug: str, graded: list[tuple[Job, Result]]) -> None:
        """Enter results in the gradebook and write the pages; what fails is tried again later."""
        good = []
        for job, result in graded:
            if result.status == "grader_error" or result.by_clock == "crowded":
                self._again(job, result.message or "the machine is too busy to time it")
            else:
                good.append((job, result))
        assignment, notes = self.graders[slug].assignment, {}
        for job, _ in good:
            note = self._note(self.ledger.account(slug, job.student))
            notes[job.student] = f"{job.problem}. {note}" if job.problem else note
        try:
            entering = self._entering(slug)
        except Exception as error:  # the database is away, for instance
            faults.error("opening the gradebook", exc_info=error)
            for job, _ in good:
                self._again(job, f"{type(error).__name__}: {error}")
            return
        rounds = self.graders[slug].rounds
        work = partial(_enter, assignment, entering, notes, self.exchange, rounds)
        entries = [
            Entry(job.student, job.folder.path, Path(result.submission), result)
            for job, result in good
        ]
        for place, answer in run_on_workers(work, entries, min(self.workers, len(entries))):
            job, result = good[place]
            if answer is not None:
                self._again(job, str(answer))
                continue
            account = self.ledger.account(slug, job.student)
            self.ledger.write(slug, replace(account, entered=self._stamp(slug, job.key)))
            self.tries.pop(job.folder, None)
            self.tell(Entered(result, time.monotonic() - job.since))

    def _entering(self, slug: str) -> Entering | None:
        """What enters students of an assignment; None where nbgrader's own converters do."""
        if slug not in self._enterings:
            from autograder.gradebook.entry import Entering, is_ours

            assignment = self.graders[slug].assignment
            self._enterings[slug] = Entering(assignment) if is_ours(assignment) else None
        return self._enterings[slug]

    def _note(self, account: Account) -> str:
        """What a page says about the next version."""
        now = time.time()
        left = self.allowance.left(account.full_at, now)
        if left == self.allowance.burst:
            return "A newer version that you hand in is graded as it comes."
        if left:
            return f"{left} more version{'s' * (left > 1)} of this are graded as they come."
        when = clock(self.allowance.opens_at(account.full_at, now))
        return f"The next version that you hand in is graded after {when}."

    def _again(self, job: Job, why: str) -> None:
        """Say why something could not be done; it is tried again later, less and less often."""
        self.tries[job.folder] = tries = self.tries.get(job.folder, 0) + 1
        pause = min(RETRY * 2 ** (tries - 1), 3600.0)
        self.say(f"{job.student}, {job.folder.slug}: {why}; tried again in {pause:g} s")
        self.failed[job.folder] = (job, time.monotonic() + pause)


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


def clock(seconds: float) -> str:
    """A time as students read it: minutes rounded up, with the zone."""
    return (
        datetime.fromtimestamp(60 * -(-seconds // 60))
        .astimezone()
        .strftime("%H:%M on %d %B %Y (%Z)")
    )


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
            say("a staff folder has changed; beginning anew")
            os.execv(sys.executable, sys.orig_argv)
        return 1 if watching.failed else 0
