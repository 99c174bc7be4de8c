"""One submission from what was handed in to its result."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

from autograder.assignment import Assignment
from autograder.errors import SandboxError, SandboxLost, SandboxUnavailable, SubmissionError
from autograder.grading.checks import Declared, declared_checks, open_submission, run_checks
from autograder.grading.diagnosis import diagnose
from autograder.grading.known import Known
from autograder.grading.regrade import (
    Kept,
    changed,
    diagnoses,
    is_told_as_before,
    together,
    touched,
)
from autograder.grading.replies import LoadedOtherwise, Replies, reopened
from autograder.grading.rounds import Rounds, secret_of
from autograder.grading.search import Search
from autograder.grading.student import Loaded, Student
from autograder.grading.submission import Found, ReleasedCells, Submission, read, released_cells
from autograder.results import Check, Diagnosis, Result
from autograder.sandbox.process import Sandbox, Starting

if TYPE_CHECKING:
    from autograder.grading.store import Store

log = logging.getLogger(__name__)
faults = logging.getLogger(
    "autograder.faults"
)  # tracebacks; a command hands it the course's log file
faults.propagate = False
faults.addHandler(logging.NullHandler())


@contextmanager
def faults_in(file: Path) -> Iterator[None]:
    """Write the tracebacks of the grader's own faults into a log file while this lasts."""
    handler = FaultFile(file)
    faults.addHandler(handler)
    try:
        yield
    finally:
        faults.removeHandler(handler)
        handler.close()


class FaultFile(logging.FileHandler):
    """A log file that is made when there is something to write; where that cannot be done, grading
    goes on.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(file, delay=True, encoding="utf-8", errors="backslashreplace")
        self.setFormatter(logging.Formatter("--- %(asctime)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Nothing: a full disk must not end a grading."""


class Elsewhere(Protocol):
    """Other machines that grade for this one."""

    @property
    def threads(self) -> int:
        """How many submissions they grade at a time."""

    def answers(
        self, tasks: Iterable[tuple[Found, Submission | Result]], alone: bool = False
    ) -> Iterator[tuple[int, Any]]:
        """(place of a task, its answer) as the answers come. alone: one at a time"""


@dataclass(frozen=True)
class Rerun:
    """What a submission that was graded before gives now. checks: None where it is graded anew

    diagnosis: what is known of the functions of the checks `names`, which were run; of all others
        what was kept holds
    replies: what the store is to keep of its answers
    """

    checks: list[Check] | None
    diagnosis: tuple[Diagnosis, ...] = ()
    names: AbstractSet[str] = frozenset()
    replies: bytes = b""


class Grader:
    """Grades submissions of one assignment, one at a time. Forks share the sandbox that was warm
    before them.

    secret: what the inputs of hidden checks derive from
    isolation: "sandbox", or "none" for code that one trusts
    sandbox: one that runs already, and is not ended with this grader
    diagnoses: whether failing functions are compared with the known mistakes
    rounds: which draw of those inputs each submission meets; None: all the same
    elsewhere: where a class is graded, if not on this machine
    """

    elsewhere: Elsewhere | None = None

    def __init__(
        self,
        assignment: Assignment,
        secret: str,
        *,
        isolation: str = "sandbox",
        sandbox: Sandbox | None = None,
        diagnoses: bool = True,
        rounds: Rounds | None = None,
    ) -> None:
        self.assignment, self.secret, self.isolation = assignment, secret, isolation
        self.sandbox, self.diagnoses, self.rounds = sandbox, diagnoses, rounds
        self.store: Store | None = None  # of what earlier runs kept, to go on from: see `again`
        self._own = ExitStack()  # what this grader started
        self._starting: Starting | None = None

    @classmethod
    def of_course(
        cls, assignment: Assignment, *, isolation: str = "sandbox", dry: bool = False
    ) -> Grader:
        """The grader of a course's own submissions: its secret, and its rounds.

        dry: whether it only looks at the rounds, and notes nobody's
        """
        course = assignment.course
        rounds = Rounds(course.rounds(assignment.slug), writes=not dry)
        return cls(assignment, course.secret(), isolation=isolation, rounds=rounds)

    def warm(self) -> Sandbox:
        """The running sandbox, started if there is none."""
        torch.set_num_threads(
            1
        )  # sums the same everywhere; and torch with threads does not survive a worker's fork
        if self.sandbox is None:
            starting, self._starting = self._starting, None
            started = starting.ready() if starting else Sandbox.start(self.isolation)
            self.sandbox = self._own.enter_context(started)
        return self.sandbox

    def begin(self) -> None:
        """Have the sandbox boot beside what is done next; `warm` waits for it."""
        if self.sandbox is None and self._starting is None:
            self._starting = Sandbox.begin(self.isolation)

    def close(self) -> None:
        """End the sandbox if this grader started it."""
        if self._starting is not None:
            self._starting.end()
            self._starting = None
        self._own.close()
        self.sandbox = None

    @cached_property
    def search(self) -> Search:
        return Search(Known(self.assignment), self.secret)

    @cached_property
    def released(self) -> ReleasedCells:
        return released_cells(self.assignment)

    def read(self, found: Found) -> Submission:
        """What was handed in; SubmissionError where it cannot be read."""
        submission = read(found.path, self.released.not_run)
        if self.rounds is None:
            return submission
        return replace(submission, round=self.rounds.of(submission.digest))

    def secret_of(self, submission: Submission) -> str:
        """What the inputs that a submission meets derive from."""
        return secret_of(self.secret, submission.round)

    def grade(self, found: Found, submission: Submission | None = None) -> Result:
        """The result of one submission. Never raises for what a student handed in.

        submission: what stands in the file, where it has been read already Raises
            SandboxUnavailable where this machine cannot build the wall: that is no matter of one
            submission.
        """
        start = time.monotonic()
        try:
            result = self._run_twice(found, submission or self.read(found), start)
            return result.filed_as(str(found.path), found.student)
        except SubmissionError as error:
            return self.blank(found, error.status, str(error), start)
        except SandboxUnavailable:
            raise
        except Exception as error:
            return self.at_fault(found, error, start)

    def _run_twice(self, found: Found, submission: Submission, start: float) -> Result:
        """Run a submission; once more in a new sandbox where the first one was lost."""
        try:
            return self.run(submission, start)
        except SandboxLost as error:
            log.warning("%r: %s; trying once more", str(found.path), error)
            self.close()
            return self.run(submission, start)

    def run(self, submission: Submission, start: float | None = None) -> Result:
        """Load a submission behind the line, run the checks on it, and give the result, filed under
        no name.
        """
        start = time.monotonic() if start is None else start
        again = self.again(submission, start)
        if again is not None:
            return again
        sandbox = self.warm()
        with open_submission(sandbox, self.assignment, submission) as loaded:
            replies = loaded.replies = self._to_keep(loaded)
            checks = run_checks(self.assignment, Student(loaded), self.secret_of(submission))
            kept = self._kept_of(replies) if not loaded.box.by_clock else b""
            diagnosis = self._diagnosis(checks, loaded) if self.diagnoses else ()
        return Result(
            assignment=self.assignment.slug,
            submission="",
            student=None,
            status="graded",
            max_score=self.assignment.max_score,
            tests=tuple(checks),
            diagnosis=diagnosis,
            isolation=sandbox.isolation,
            walls=sandbox.walls,
            by_clock=loaded.box.by_clock,
            grader=self.assignment.digest,
            digest=submission.digest,
            round=submission.round,
            seconds=round(time.monotonic() - start, 3),
            replies=kept,
        )

    def _to_keep(self, loaded: Loaded) -> Replies | None:
        """Where the answers of a submission are noted, if there is a store that may keep them."""
        frame = loaded.box.frame
        return Replies(frame[0]) if self.store is not None and frame is not None else None

    def _kept_of(self, replies: Replies | None) -> bytes:
        """What the store keeps of a submission's answers; b"" where that is nothing new."""
        if replies is None or self.store is None:
            return b""
        replies.end()
        return replies.to_bytes(self.store.decided.checks, self.store.valid)

    @cached_property
    def declared(self) -> list[Declared]:
        """What the checks declare."""
        return declared_checks(self.assignment)

    def again(
        self, submission: Submission, start: float, *, without_running: bool = False
    ) -> Result | None:
        """The result of a submission that was graded before, where something of that one holds;
        None where it does not.

        without_running: None as well where any check has to be run
        """
        kept = self.store.latest(submission) if self.store is not None else None
        if kept is None or self.store is None:
            return None
        names = touched(kept, self.store.decided, self.declared)
        if names is None or (names and without_running):
            return None
        found: Rerun | None = Rerun(together(kept, [], self.declared)) if not names else None
        if names:
            replies = self.store.replies(submission)
            if replies is None:
                found = self._rerun(kept, names, submission)
            else:
                found = self._replayed(kept, names, submission, replies)
        if found is None or found.checks is None:
            return None
        return replace(
            kept.result,
            max_score=self.assignment.max_score,
            tests=tuple(found.checks),
            diagnosis=diagnoses(kept, found.checks, found.names, found.diagnosis),
            grader=self.assignment.digest,
            seconds=round(time.monotonic() - start, 3),
            replies=found.replies,
        )

    def _rerun(self, kept: Kept, names: set[str], submission: Submission) -> Rerun | None:
        """Some of the checks once more; None where that is not enough."""
        if names >= {check.name for check in self.declared}:
            return None
        with open_submission(self.warm(), self.assignment, submission) as loaded:
            return self._some(kept, names, submission, loaded)

    def _replayed(
        self, kept: Kept, names: set[str], submission: Submission, replies: Replies
    ) -> Rerun | None:
        """The same, where the calls that were made before are answered from what is kept: what
        changed alone, then whatever else a diagnosis hangs on.
        """
        assert self.store is not None
        now, first = self.store.decided, changed(kept, self.store.decided, self.declared)
        opened = reopened(self.warm, self.assignment, submission, replies)
        with suppress(LoadedOtherwise), opened as anew:
            loaded = anew()
            found = Rerun(together(kept, self._run(first, submission, loaded), self.declared))
            if loaded.box.by_clock:
                return None
            settled = found.checks is not None
            if found.checks is None or not is_told_as_before(
                kept, now, found.checks, first, replies
            ):
                everything = {check.name for check in self.declared}
                for wider in [names, everything] if settled or names > first else [everything]:
                    loaded = anew()  # in the order of the checks, as a full grading has it
                    found = self._some(kept, wider, submission, loaded)
                    if found.checks is not None:
                        break
            if any(check.outcome != "passed" for check in found.checks or ()) or replies.new:
                found = replace(found, replies=self._kept_of(replies))
            return found if not loaded.box.by_clock else None
        return None

    def _some(self, kept: Kept, names: set[str], submission: Submission, loaded: Loaded) -> Rerun:
        """Some of the checks, and what is known then of the functions that lose points."""
        checks = together(kept, self._run(names, submission, loaded), self.declared)
        if checks is None or loaded.box.by_clock:
            return Rerun(None)
        if loaded.replies is not None:
            loaded.replies.end()
        return Rerun(checks, self._diagnosis(checks, loaded) if self.diagnoses else (), names)

    def _run(self, names: set[str], submission: Submission, loaded: Loaded) -> list[Check]:
        student, secret = Student(loaded), self.secret_of(submission)
        return run_checks(self.assignment, student, secret, only=names) if names else []

    def _diagnosis(self, checks: list[Check], loaded: Loaded) -> tuple[Diagnosis, ...]:
        """The known mistakes of a submission; none where to name them fails."""
        try:
            return diagnose(self.search, self.warm(), checks, loaded)
        except SandboxError:
            raise
        except Exception as error:
            log.error("no diagnosis: %s: %s", type(error).__name__, error)
            faults.error("no diagnosis", exc_info=error)
            return ()

    def blank(self, found: Found, status: str, message: str, start: float) -> Result:
        """The result of a submission that was not graded, and why."""
        return Result(
            assignment=self.assignment.slug,
            submission=str(found.path),
            student=found.student,
            status=status,
            max_score=self.assignment.max_score,
            message=message,
            isolation=self.isolation,
            grader=self.assignment.digest,
            seconds=round(time.monotonic() - start, 3),
        )

    def at_fault(self, found: Found, error: BaseException, start: float) -> Result:
        """The result where the grader itself failed; what happened goes into the log."""
        log.error("grader error on %r: %s", str(found.path), error)
        faults.error("%r", str(found.path), exc_info=error)
        message = "the grader failed on this submission; nothing was graded"
        if isinstance(error, SandboxError):
            message = f"the sandbox failed on this submission: {error}"
        return self.blank(found, "grader_error", message, start)


def attempt(grader: Grader, found: Found) -> Submission | Result:
    """What was handed in as read, or the result that says why it cannot be."""
    start = time.monotonic()
    try:
        return grader.read(found)
    except SubmissionError as error:
        return grader.blank(found, error.status, str(error), start)
    except Exception as error:
        return grader.at_fault(found, error, start)
