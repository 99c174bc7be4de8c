"""A submission that was graded before, graded again as far as something has changed since.

regrade.py says how far that is. What has to be run is run on what the submission answered before,
where that is kept (replies.py), and behind the line for the rest.
"""

from __future__ import annotations

import time
from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autograder.grading.checks import faults_of, open_submission
from autograder.grading.regrade import (
    Kept,
    changed,
    diagnoses,
    is_told_as_before,
    together,
    touched,
)
from autograder.grading.submission import Submission
from autograder.results import Check, Diagnosis, Result

if TYPE_CHECKING:
    from autograder.grading.grader import Grader
    from autograder.grading.replies import Replies  # it loads torch
    from autograder.grading.store import Store
    from autograder.grading.student import Loaded


def graded_again(
    grader: Grader, submission: Submission, start: float, *, without_running: bool = False
) -> Result | None:
    """The result of a submission that was graded before, where something of that one holds; None
    where it does not, and the submission is graded as a new one.

    start: when that began, by the clock of `time.monotonic`
    without_running: None as well where any check has to be run
    """
    store = grader.store if not grader.anew else None
    kept = store.latest(submission) if store is not None else None
    if kept is None or store is None:
        return None
    if any(faults_of(grader.assignment, grader.declared)):
        return None  # as a new one, it is told of
    names = touched(kept, store.decided, grader.declared)
    if names is None or (names and without_running):
        return None
    found = Again(grader, store, kept, submission).run(names)
    if found is None:
        return None
    return replace(
        kept.result,
        max_score=grader.assignment.max_score,
        tests=tuple(found.checks),
        diagnosis=diagnoses(kept, found.checks, found.names, found.diagnosis),
        grader=grader.assignment.digest,
        seconds=round(time.monotonic() - start, 3),
        replies=found.replies,
    )


@dataclass(frozen=True)
class Rerun:
    """What a submission that was graded before gives now.

    diagnosis: what is known of the functions of the checks `names`, which were run; of all others
        what was kept holds
    replies: what the store is to keep of its answers; None: what it has
    """

    checks: list[Check]
    diagnosis: tuple[Diagnosis, ...] = ()
    names: Set[str] = frozenset()
    replies: bytes | None = None


@dataclass(frozen=True)
class Again:
    """One submission and what was kept of it. Where that turns out to be of no use, as what runs
    makes doubtful what does not, there is None for a result.
    """

    grader: Grader
    store: Store
    kept: Kept
    submission: Submission

    def run(self, names: set[str]) -> Rerun | None:
        """Some of the checks once more."""
        if not names:
            return self._together([])
        replies = self.store.replies(self.submission)
        return self._rerun(names) if replies is None else self._replayed(names, replies)

    def _together(self, ran: list[Check]) -> Rerun | None:
        checks = together(self.kept, ran, self.grader.declared)
        return Rerun(checks) if checks is not None else None

    def _rerun(self, names: set[str]) -> Rerun | None:
        """Where no answers are kept: none of it, if everything would have to be run."""
        grader = self.grader
        if names >= {check.name for check in grader.declared}:
            return None
        with open_submission(grader.warm(), grader.assignment, self.submission) as loaded:
            return self._some(names, loaded)

    def _replayed(self, names: set[str], replies: Replies) -> Rerun | None:
        """Where they are, the calls that were made before are answered from them: what changed
        alone, then whatever else a diagnosis hangs on.
        """
        from autograder.grading.replies import LoadedOtherwise, reopened

        grader, now = self.grader, self.store.decided
        first = changed(self.kept, now, grader.declared)
        opened = reopened(grader.warm, grader.assignment, self.submission, replies)
        with suppress(LoadedOtherwise), opened as anew:
            loaded = anew()
            found = self._together(grader.checked(loaded, self.submission, first))
            if loaded.box.by_clock:
                return None
            if found is None or not is_told_as_before(self.kept, now, found.checks, first, replies):
                everything = {check.name for check in grader.declared}
                useful = found is not None or names > first
                for wider in [names, everything] if useful else [everything]:
                    loaded = anew()  # in the order of the checks, as a full grading has it
                    found = self._some(wider, loaded)
                    if found is not None:
                        break
            if found is None or loaded.box.by_clock:
                return None
            if any(check.outcome != "passed" for check in found.checks) or replies.new:
                return replace(found, replies=self.store.packed(replies))
            return found
        return None

    def _some(self, names: set[str], loaded: Loaded) -> Rerun | None:
        """Some of the checks, and what is known then of the functions that lose points."""
        found = self._together(self.grader.checked(loaded, self.submission, names))
        if found is None or loaded.box.by_clock:
            return None
        if loaded.replies is not None:
            loaded.replies.end()
        return replace(found, names=names, diagnosis=self.grader.diagnosis(found.checks, loaded))
