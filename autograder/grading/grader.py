"""One submission from what was handed in to its result."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

from autograder.assignment import Assignment
from autograder.errors import SandboxError, SandboxLost, SandboxUnavailable, SubmissionError
from autograder.grading.checks import Declared, declared_checks, open_submission, run_checks
from autograder.grading.diagnosis import diagnose
from autograder.grading.known import Known
from autograder.grading.regrade import diagnoses, together, touched
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
            checks = run_checks(self.assignment, Student(loaded), self.secret_of(submission))
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
        )

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
        if names is None or names >= {check.name for check in self.declared}:
            return None
        ran: list[Check] = []
        found: tuple[Diagnosis, ...] = ()
        by_clock = ""
        if names and without_running:
            return None
        if not names:
            checks = together(kept, ran, self.declared)
        else:
            with open_submission(self.warm(), self.assignment, submission) as loaded:
                secret = self.secret_of(submission)
                ran = run_checks(self.assignment, Student(loaded), secret, only=names)
                checks = together(kept, ran, self.declared)
                by_clock = loaded.box.by_clock
                if checks is not None and self.diagnoses and not by_clock:
                    found = self._diagnosis(checks, loaded)
        if checks is None or by_clock:
            return None
        return replace(
            kept.result,
            max_score=self.assignment.max_score,
            tests=tuple(checks),
            diagnosis=diagnoses(kept, checks, names, found),
            grader=self.assignment.digest,
            seconds=round(time.monotonic() - start, 3),
        )

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
