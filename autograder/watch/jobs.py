"""What the watch is to do: which versions count, when each may be graded, what is tried again."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from autograder.course import Course
from autograder.gradebook.single import annotate
from autograder.grading.grader import Grader, attempt
from autograder.grading.submission import Found, Submission, counts
from autograder.watch.allowance import Allowance
from autograder.watch.arrivals import PATIENCE, Arrivals, Folder
from autograder.watch.ledger import Account, Ledger, version_in

RETRY = 60.0  # seconds until what failed is tried again
SELDOM = 30  # times what a look takes, until the next where something is left of it: it goes
# through the whole class, and a batch does not


@dataclass(frozen=True)
class Job:
    """A version that counts and is not entered yet. content: its digest, whenever it was handed in;
    since: when it was seen, by the clock of `time.monotonic`; problem: why what was handed in could
    not even be copied
    """

    folder: Folder
    key: str
    content: str
    since: float
    problem: str = ""

    @property
    def student(self) -> str:
        return self.folder.student


class Jobs:
    """The versions that are to be graded and entered, a batch at a time.

    graders: of the assignments that are watched, by their names
    settle: seconds for which a file must look the same before it is read
    at_a_time: versions in a batch, at the most
    say: called with a line for whoever looks at the terminal
    failed: what could not be done, and when each is tried again, by `time.monotonic`
    refused: where a version lies that could not be accepted, on a full disk for instance
    """

    def __init__(
        self,
        course: Course,
        graders: Mapping[str, Grader],
        *,
        settle: float,
        at_a_time: int,
        say: Callable[[str], None],
    ) -> None:
        self.course, self.graders, self.at_a_time, self.say = course, graders, at_a_time, say
        self.allowance = Allowance.of(course)
        self.ledger = Ledger(course)
        self.arrivals = Arrivals(course.submitted, list(graders), settle)
        self.failed: dict[Folder, tuple[Job, float]] = {}
        self.refused: set[Folder] = set()
        self._tries: dict[Folder, int] = {}
        self._ungraded: set[str] = set()  # contents on which the grader failed
        self._waiting: dict[Folder, Job] = {}  # what was found before there was room for it
        self._ready: deque[Folder] = deque()  # what the last look found, and nobody has considered
        self._next_look = 0.0  # by `time.monotonic`

    def begin(self) -> None:
        """Take up what an earlier run has left."""
        self.ledger.clear()
        self._waiting = self._unfinished()

    def batch(self) -> list[Job]:
        """What is to be done next; nothing where there is nothing that may be done now."""
        jobs = self._waiting | self._due()
        if len(jobs) < self.at_a_time:
            jobs |= self._arrived()
        batch = dict(list(jobs.items())[: self.at_a_time])
        self._waiting = {place: job for place, job in jobs.items() if place not in batch}
        return list(batch.values())

    def quiet(self) -> bool:
        """Whether there is nothing that may be done before long, but what failed."""
        return self.arrivals.quiet()

    def done(self, job: Job) -> None:
        """A version is entered."""
        slug = job.folder.slug
        account = self.ledger.account(slug, job.student)
        self.ledger.write(slug, replace(account, entered=self._stamp(job.folder, job.key)))
        self._tries.pop(job.folder, None)
        self._ungraded.discard(job.content)

    def ungraded(self, job: Job, why: str) -> None:
        """Say why a version could not be graded, as `again` does. Handed in once more, it takes a
        token as a new one does, since it is graded anew.
        """
        self._ungraded.add(job.content)
        self.again(job, why)

    def again(self, job: Job, why: str) -> None:
        """Say why something could not be done; it is tried again later."""
        self.failed[job.folder] = (job, time.monotonic() + self._pause(job.folder, why))

    def _pause(self, folder: Folder, why: str) -> float:
        """Seconds until something that could not be done is tried again, longer each time; says
        why.
        """
        self._tries[folder] = tries = self._tries.get(folder, 0) + 1
        pause = min(RETRY * 2 ** (tries - 1), 3600.0)
        self.say(f"{folder.student}, {folder.slug}: {why}; tried again in {pause:g} s")
        return pause

    def note(self, job: Job) -> str:
        """What the page of a version says about it, and about the next one."""
        note = self._of_the_next(self.ledger.account(job.folder.slug, job.student))
        return f"{job.problem}. {note}" if job.problem else note

    def _of_the_next(self, account: Account) -> str:
        now = time.time()
        left = self.allowance.left(account.full_at, now)
        if left == self.allowance.burst:
            return "A newer version that you hand in is graded as it comes."
        if left:
            return f"{left} more version{'s' * (left > 1)} of this are graded as they come."
        when = clock(self.allowance.opens_at(account.full_at, now))
        return f"The next version that you hand in is graded after {when}."

    # --- what there is to do ---------------------------------------------------------------------

    def _unfinished(self) -> dict[Folder, Job]:
        """What counted before this run and was not entered, or by other checks or settings."""
        jobs = {}
        for slug in self.graders:
            for folder in self.ledger.unfinished(slug):
                account = self.ledger.account(slug, folder.student)
                if not account.accepted or account.entered == self._stamp(folder, account.accepted):
                    continue
                version = version_in(folder)
                if version.key == account.accepted:
                    jobs[folder] = Job(folder, version.key, version.content, time.monotonic())
        return jobs

    def _stamp(self, folder: Folder, key: str) -> str:
        """What the ledger says when a version is entered, as these checks grade it and course.toml
        judges when it came.
        """
        settings, digest = self.course.settings, self.graders[folder.slug].assignment.digest
        days = settings.extensions.get(folder.slug, {}).get(folder.student)
        judged = hashlib.sha256(repr((days, settings.late)).encode()).hexdigest()[:16]
        return f"{key} {digest} {judged}"

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
            for folder in [one for one in self.refused if not self.arrivals.there(one)]:
                self._accepted(folder)
            self._next_look = now + SELDOM * (time.monotonic() - now)
        while self._ready and len(jobs) < self.at_a_time:
            folder = self._ready.popleft()
            try:
                job = self._consider(folder)
            except OSError as error:
                pause = self._pause(folder, f"what was handed in cannot be kept ({error})")
                self.arrivals.postpone(folder, time.time() + pause, deferred=True)
                self.refused.add(folder)
                continue
            self._accepted(folder)
            if job is not None:
                self.failed.pop(job.folder, None)
                jobs[job.folder] = job
        return jobs

    def _accepted(self, folder: Folder) -> None:
        """Nothing lies in a folder any more that could not be accepted."""
        if folder in self.refused:
            self.refused.remove(folder)
            self._tries.pop(folder, None)

    def _consider(self, folder: Folder) -> Job | None:
        """Accept what lies in a student's folder, where it is new and its time has come."""
        version, slug, student = version_in(folder), folder.slug, folder.student
        if not self.arrivals.unchanged(folder):
            return None  # written to while it was read: the next look sees that
        account, now = self.ledger.account(slug, student), time.time()
        if account.entered == self._stamp(folder, version.key):
            self.arrivals.done(folder)
            return None
        with self.ledger.laid(slug, version) as laid:
            readable = self._reads(slug, laid, student)
            if not readable and self.arrivals.waited(folder) < PATIENCE * self.arrivals.settle:
                self.arrivals.postpone(folder, now + self.arrivals.settle, deferred=False)
                return None
            known = account
            if version.content in self._ungraded:
                known = account.without(version.content)
            accepted = known.accepting(version, self.allowance, now, free=not readable)
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
        return Job(place, version.key, version.content, since, version.problem)

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


def clock(seconds: float) -> str:
    """A time as students read it: minutes rounded up, with the zone."""
    return (
        datetime.fromtimestamp(60 * -(-seconds // 60))
        .astimezone()
        .strftime("%H:%M on %d %B %Y (%Z)")
    )
