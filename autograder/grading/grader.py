"""One submission from what was handed in to its result."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Set
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from autograder.assignment import Assignment
from autograder.errors import SandboxError, SandboxLost, SandboxUnavailable, SubmissionError
from autograder.grading.again import graded_again
from autograder.grading.checks import Declared, declared_checks, open_submission, run_checks
from autograder.grading.faults import faults
from autograder.grading.rounds import Rounds, secret_of
from autograder.grading.submission import Found, ReleasedCells, Submission, read, released_cells
from autograder.results import Check, Diagnosis, Result
from autograder.sandbox.process import Sandbox, Starting

if TYPE_CHECKING:  # what runs submissions loads torch
    from autograder.grading.replies import Replies
    from autograder.grading.search import Search
    from autograder.grading.store import Store
    from autograder.grading.student import Loaded

log = logging.getLogger(__name__)


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
        self.store: Store | None = None  # of what earlier runs kept, to go on from: see again.py
        self.anew = False  # whether it goes on from nothing, and only keeps
        self.has_booted = False  # a sandbox: this machine can build the wall
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
        """The running sandbox, started if there is none; what runs submissions is loaded then."""
        if self.sandbox is None:
            self.begin()
        load()
        if self.sandbox is None:
            self.sandbox = self._own.enter_context(self._booted())
        self.has_booted = True
        return self.sandbox

    def begin(self) -> None:
        """Have the sandbox boot beside what is done next; `warm` waits for it."""
        if self.sandbox is None and self._starting is None:
            self._starting = Sandbox.begin(self.isolation)

    def _booted(self) -> Sandbox:
        assert self._starting is not None
        starting, self._starting = self._starting, None
        return starting.ready()

    def close(self) -> None:
        """End the sandbox if this grader started it."""
        if self._starting is not None:
            self._starting.end()
            self._starting = None
        self._own.close()
        self.sandbox = None

    @cached_property
    def search(self) -> Search:
        from autograder.grading.known import Known
        from autograder.grading.search import Search

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

        submission: what stands in the file, where it has been read already
        Raises SandboxUnavailable where this machine cannot build the wall: that is no matter of one
        submission. Where it could before, it is, as of a machine without memory for another.
        """
        start = time.monotonic()
        try:
            result = self._run_twice(found, submission or self.read(found), start)
            return result.filed_as(str(found.path), found.student)
        except SubmissionError as error:
            return self.blank(found, error.status, str(error), start)
        except SandboxUnavailable as error:
            if not self.has_booted:
                raise
            return self.at_fault(found, error, start)
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
        again = graded_again(self, submission, start)
        if again is not None:
            return again
        sandbox = self.warm()
        with open_submission(sandbox, self.assignment, submission) as loaded:
            loaded.replies = self._to_keep(loaded)
            checks = self.checked(loaded, submission)
            kept = self._kept_of(loaded)
            diagnosis = self.diagnosis(checks, loaded)
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
        from autograder.grading.replies import Replies
        from autograder.sandbox.box import loading

        frame = loaded.box.frame
        return Replies(loading(frame[0])) if self.store is not None and frame is not None else None

    def _kept_of(self, loaded: Loaded) -> bytes:
        """What the store is to keep of a submission's answers; b"" where that is nothing."""
        if self.store is None or loaded.replies is None or loaded.box.by_clock:
            return b""
        return self.store.packed(loaded.replies)

    @cached_property
    def declared(self) -> list[Declared]:
        """What the checks declare."""
        return declared_checks(self.assignment)

    def checked(
        self, loaded: Loaded, submission: Submission, only: Set[str] | None = None
    ) -> list[Check]:
        """How the checks end on a submission. only: some of them, by their names"""
        if only is not None and not only:
            return []
        from autograder.grading.student import Student

        secret = self.secret_of(submission)
        return run_checks(self.assignment, Student(loaded), secret, only=only)

    def diagnosis(self, checks: list[Check], loaded: Loaded) -> tuple[Diagnosis, ...]:
        """The known mistakes of a submission; none where nobody asks, or to name them fails."""
        if not self.diagnoses:
            return ()
        from autograder.grading.diagnosis import diagnose

        by_clock = loaded.box.by_clock  # nothing that is asked now decides a point
        try:
            return diagnose(self.search, self.warm(), checks, loaded)
        except SandboxError:
            raise
        except Exception as error:
            log.error("no diagnosis: %s: %s", type(error).__name__, error)
            faults.error("no diagnosis", exc_info=error)
            return ()
        finally:
            loaded.box.by_clock = by_clock

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


def load() -> None:
    """Load what runs submissions, and torch with it, before workers are forked: until then, a
    sandbox can boot; and a class of which nothing has changed needs none of it.
    """
    import torch

    import autograder.grading.diagnosis
    import autograder.grading.replies  # noqa: F401

    # sums the same everywhere; and torch with threads does not survive a worker's fork
    torch.set_num_threads(1)


def attempt(grader: Grader, found: Found) -> Submission | Result:
    """What was handed in as read, or the result that says why it cannot be."""
    start = time.monotonic()
    try:
        return grader.read(found)
    except SubmissionError as error:
        return grader.blank(found, error.status, str(error), start)
    except Exception as error:
        return grader.at_fault(found, error, start)
