"""A submission that was graded before, graded as far as something has changed.

What is taken over is what a full regrade would give again. So checks are run whose digests differ
(decided.py); of a function that loses points all of its checks, since a diagnosis compares all of
their calls; and everything where it cannot be told what a change touches: the engine, the solution,
a lower limit, a submission that a clock or a limit has stopped.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autograder.grading.checks import Declared
from autograder.grading.decided import Decided
from autograder.results import Check, Diagnosis, Result

if TYPE_CHECKING:
    from autograder.grading.replies import Replies


@dataclass(frozen=True)
class Kept:
    """An earlier result of the same submission, and what decided it."""

    result: Result
    decided: Decided


def touched(kept: Kept, now: Decided, declared: Sequence[Declared]) -> set[str] | None:
    """The names of the checks to run; None: all of them, and nothing is taken over."""
    before, old = kept.decided, kept.result
    if before.shared != now.shared or old.status != "graded" or old.by_clock:
        return None
    losing = {check.function for check in old.tests if check.outcome != "passed"}
    if before.limits != now.limits and (losing or lower(before, now)):
        return None
    run = changed(kept, now, declared)
    gone = {check.name for check in old.tests} - {check.name for check in declared}
    concerned = {check.function for check in declared if check.name in run}
    concerned |= {check.function for check in old.tests if check.name in gone}
    again = losing if before.diagnosis != now.diagnosis else losing & concerned
    return run | {check.name for check in declared if check.function in again}


def changed(kept: Kept, now: Decided, declared: Sequence[Declared]) -> set[str]:
    """The names of the checks that are new, or other ones than they were."""
    names, before = {check.name for check in kept.result.tests}, kept.decided
    return {
        check.name
        for check in declared
        if check.name not in names or is_changed(check.name, before, now)
    }


def is_changed(name: str, before: Decided, now: Decided) -> bool:
    return now.of_check(name) is None or before.of_check(name) != now.of_check(name)


def lower(before: Decided, now: Decided) -> bool:
    """Whether any limit is lower than it was (None: there is none)."""
    for name in before.limits.keys() | now.limits.keys():
        old, new = before.limits.get(name), now.limits.get(name)
        if new is not None and (old is None or new < old):
            return True
    return False


def together(kept: Kept, ran: Sequence[Check], declared: Sequence[Declared]) -> list[Check] | None:
    """All checks: those that ran, and the others as they were, worth and worded as they are now.

    None where what ran makes what did not run doubtful: it stopped at a limit, or another
    function's diagnosis may turn out differently beside it.
    """
    fresh = {check.name: check for check in ran}
    old = {check.name: check for check in kept.result.tests}
    checks = [fresh.get(item.name) or restated(old[item.name], item) for item in declared]
    if any(check.outcome == "timed_out" for check in ran):
        return None
    missed = {check.name for check in checks if check.outcome != "passed"}
    before = {check.name for check in kept.result.tests if check.outcome != "passed"}
    losing = {check.function for check in checks if check.name in missed}
    partly = {check.function for check in checks if check.name not in fresh} & losing
    return None if partly and missed != before else checks


def is_told_as_before(
    kept: Kept, now: Decided, checks: Sequence[Check], ran: Set[str], replies: Replies
) -> bool:
    """Whether all that a diagnosis goes by is what it was: which checks are lost, and the calls of
    all checks of the functions that lose them; and the lost checks themselves, where no known
    mistake was found, since a change of the right answer is named if it fails one of them.

    checks: of today; ran: those of them that were run, as they are new or other ones
    replies: with the calls that these made
    """
    old = kept.result.tests
    missed = [check.name for check in checks if check.outcome != "passed"]
    if missed != [check.name for check in old if check.outcome != "passed"]:
        return False
    if not missed:
        return True
    if kept.decided.diagnosis != now.diagnosis or replies.made_by != kept.decided.checks:
        return False
    losing = {check.function for check in checks if check.name in missed}
    names, before = ([one.name for one in some if one.function in losing] for some in (checks, old))
    if names != before or not replies.same_calls(names):
        return False
    called = {check.function for check in checks if replies.calls.get(check.name)}
    other = {check.function for check in checks if check.name in ran and check.name in missed}
    return other & called <= {one.function for one in kept.result.diagnosis if one.how == "bank"}


def restated(check: Check, declared: Declared) -> Check:
    """A check as it ended, in the words and for the points of today."""
    failed = check.outcome != "passed"
    said = check.message
    if said == f"not so: {check.title}":
        said = f"not so: {declared.sentence}"
    return replace(
        check,
        points=declared.points or 0.0,
        title=declared.sentence,
        hint=(declared.hint or "") if failed else "",
        message=said,
    )


def diagnoses(
    kept: Kept, checks: Sequence[Check], ran: Set[str], found: Sequence[Diagnosis]
) -> tuple[Diagnosis, ...]:
    """Those of today, and of functions that lose points and none of whose checks ran, those that
    were kept; in the order of the checks.
    """
    losing = [check for check in checks if check.outcome != "passed"]
    again = {check.function for check in losing if check.name in ran}
    functions = list(dict.fromkeys(check.function for check in losing))
    by_function = {item.function: item for item in kept.result.diagnosis}
    by_function = {name: item for name, item in by_function.items() if name not in again}
    by_function |= {item.function: item for item in found}
    order = [name for name in functions if name in by_function]
    return tuple(by_function[name] for name in order)
