"""Which known mistake does a failing function behave like?

Never a guess. A known mistake is named for a function when the submission fails the checks of that
function that the mistake names, *and* the mistake, run behind the line on the very calls that the
checks made, ends every one of them in the same way: the same outcome, the same error, the same
values within a tolerance (`alike`). (From another start it may fail a check more than it names.)

Two people who start differently (V before U, float64, a transposed draw) get other values from the
same rule. So where the plain comparison fails, the calls are repeated with the mistake started from
the submission's own start, where the assignment says how one is asked for ([diagnosis] in its
assignment.toml: at a learning rate of 0, say) and what it is drawn with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import torch

from autograder.assignment import Overlay, Start
from autograder.errors import SandboxError
from autograder.grading.alike import form, loose, same, words
from autograder.grading.edits import function_in
from autograder.grading.effects import told_by_effect
from autograder.grading.example import ask, smallest_example
from autograder.grading.known import Known, Running
from autograder.grading.search import Answered, Search, group_of
from autograder.grading.smallest import refuse_kinds
from autograder.grading.student import Loaded, Recorded, Verdict, stub_in
from autograder.grading.traits import trait_of
from autograder.results import Check, Diagnosis
from autograder.sandbox.box import Reply
from autograder.sandbox.process import Sandbox

# a few units in the last place of float32: what another order of additions may do to a result
NUDGE = 1e-6
Comparison = Callable[[Running], bool]
OF_NAMES = ("NameError", "UnboundLocalError")  # errors that say what a student called something


@dataclass(frozen=True)
class Failing:
    """A function that lost points.

    names: its checks; missed: all checks, of whatever function, that were not passed
    calls: what the checks asked of it
    submission: still open
    kinds_matter: whether one of its checks refuses the kind of what it was given
    """

    function: str
    names: frozenset[str]
    missed: frozenset[str]
    calls: tuple[Recorded, ...]
    submission: Loaded
    kinds_matter: bool = False

    @property
    def lost(self) -> frozenset[str]:
        """Those of its checks that were not passed."""
        return self.names & self.missed

    def candidates(self, mistakes: Sequence[Overlay]) -> list[Overlay]:
        """The mistakes that fail some of its checks, and none but the missed; who fails nothing
        else is first. One that lies in other functions fails nothing else: they would be wrong too.
        """
        nearest = sorted(mistakes, key=lambda mistake: len(set(mistake.fails) - self.missed))
        fitting = [one for one in nearest if set() < set(one.fails) & self.names <= self.missed]
        return [one for one in fitting if set(one.fails) <= self.missed or self._holds(one)]

    def _holds(self, mistake: Overlay) -> bool:
        """Whether a mistake is one of this function's own code."""
        return function_in(mistake.path.read_text(encoding="utf-8"), self.function) is not None


def diagnose(
    search: Search, sandbox: Sandbox, checks: Sequence[Check], submission: Loaded
) -> tuple[Diagnosis, ...]:
    """What is known of each failing function, where there is anything; in the assignment's order.

    submission: still open, with the calls that the checks made recorded in it
    """
    found = []
    missed = frozenset(check.name for check in checks if check.outcome != "passed")
    for function in search.assignment.functions:
        names = frozenset(check.name for check in checks if check.function == function)
        calls = tuple(call for call in submission.recorded if call.function == function)
        if names & missed and any(_tells(call.reply) for call in calls):
            said = [check.message for check in checks if check.function == function]
            failing = Failing(function, names, missed, calls, submission, refuse_kinds(said))
            told = _diagnosed(search, sandbox, failing)
            if told is not None:
                found.append(told)
    search.known.save()
    return tuple(found)


def _diagnosed(search: Search, sandbox: Sandbox, failing: Failing) -> Diagnosis | None:
    """What is known of one failing function; None where that is nothing."""
    known, answered, example, asked = search.known, None, None, None
    function, submission = failing.function, failing.submission
    if function not in submission.timed_out:
        rungs = [rung for rung in known.ladder.get(function, ()) if not rung.long]
        asked = ask(submission, rungs, known.assignment.start)
        answered = search.answered(sandbox, function, asked, failing.calls)
        example = smallest_example(known, sandbox, asked, failing.kinds_matter)
    mistake = _mistake(search, sandbox, answered, failing)
    if mistake is not None:
        return Diagnosis(function, mistake.name, mistake.title, mistake.hint, example=example)
    named: Diagnosis | None = None
    if answered is not None:
        named = search.find(sandbox, function, answered, failing.lost)
    if named is None and asked is not None:
        named = trait_of(known, sandbox, asked)
    if named is not None and asked is not None:
        return replace(told_by_effect(named, asked), example=example)
    group = group_of(answered, failing.lost) if answered else ""
    if not (example or group):
        return None
    return Diagnosis(function, "", "", "", how="", example=example, group=group)


def _mistake(
    search: Search, sandbox: Sandbox, answered: Answered | None, failing: Failing
) -> Overlay | None:
    """The known mistake that a function behaves like: of those that agree on the ladder, where that
    can be said, else of all.
    """
    bank = [one for one in search.assignment.mistakes if one.is_written and search.bank]
    candidates = failing.candidates(bank)
    if answered is None:
        return first_alike(search.known, sandbox, candidates, failing)
    # most are found from their own start, and need not be asked for it
    own = search.mistakes(failing.function, [answered.own])
    agreeing = [mistake for mistake in candidates if mistake in own]
    found = first_the_same(search.known, sandbox, agreeing, failing)
    if found is not None:
        return found
    agree = search.mistakes(failing.function, answered.rows)
    agreeing = [mistake for mistake in candidates if mistake in agree]
    found = first_alike(search.known, sandbox, agreeing, failing)
    if found is not None or answered.placed:
        return found
    return first_alike(search.known, sandbox, candidates, failing)


def _tells(reply: Reply) -> bool:
    """Whether an ending says something about the mistake made: a limit or a stub does not."""
    return reply.outcome == "returned" or (reply.outcome == "raised" and not stub_in(reply))


def first_alike(
    known: Known, sandbox: Sandbox, candidates: Sequence[Overlay], failing: Failing
) -> Overlay | None:
    """The first candidate that ends every call like the submission; if none does, the first that
    does so loosely.

    Loosely: from the submission's own starts, with numbers for tensors of one element, and where
    rounding decides a value, whatever it is. Where the solution is alike in this sense too, what is
    wrong is none of what is compared, and nothing is named.
    """
    mistake = first_the_same(known, sandbox, candidates, failing)
    if mistake or not candidates:
        return mistake
    near = [one for one in candidates if _has_its_form(known, sandbox, one, failing.calls)]
    if not near:
        return None
    settings = known.assignment.start
    returned = any(call.reply.outcome == "returned" for call in failing.calls)

    def loosely_same(calls: Sequence[Recorded]) -> Comparison:
        started = [
            (call, start_of(call, failing.submission, settings) if settings else [])
            for call in calls
        ]
        started.sort(key=lambda pair: len(pair[1]))  # what may be remembered comes first
        return lambda running: all(
            _same_from(running, *pair, by_words=not returned) for pair in started
        )

    return _first(known, sandbox, near, failing, loosely_same, unless_right=True)


def first_the_same(
    known: Known, sandbox: Sandbox, candidates: Sequence[Overlay], failing: Failing
) -> Overlay | None:
    """The first candidate that ends every call like the submission."""

    def the_same(calls: Sequence[Recorded]) -> Comparison:
        return lambda running: _same(running, calls)

    return _first(known, sandbox, candidates, failing, the_same, unless_right=False)


def _first(
    known: Known,
    sandbox: Sandbox,
    candidates: Sequence[Overlay],
    failing: Failing,
    compared: Callable[[Sequence[Recorded]], Comparison],
    *,
    unless_right: bool,
) -> Overlay | None:
    """The first candidate that stands the comparison of all calls.

    Long calls cost as much as grading does. Where the short ones tell what is wrong (no right
    answer stands their comparison, and one candidate does), what their checks made of the long ones
    is compared in their place: the same of these checks are failed.

    unless_right: whether nothing is named where a right answer stands the comparison
    """
    right = (None, *known.assignment.bases)
    short, long = _by_length(known, failing.calls)
    if candidates and short and long:
        stands = compared(short)
        if not any(_agrees(known, sandbox, answer, stands) for answer in right):
            unless_right = False
            candidates = [one for one in candidates if _agrees(known, sandbox, one, stands)]
            checks = {call.check for call in long}
            failed = [checks & set(one.fails) for one in candidates]
            if failed == [checks & failing.missed]:
                return candidates[0]
    if not candidates:
        return None
    stands = compared(short + long)
    if unless_right and any(_agrees(known, sandbox, answer, stands) for answer in right):
        return None
    return next((one for one in candidates if _agrees(known, sandbox, one, stands)), None)


def _by_length(known: Known, calls: Sequence[Recorded]) -> tuple[list[Recorded], list[Recorded]]:
    """The short calls, and those that the assignment calls long."""
    start = known.assignment.start
    long = [start is not None and start.is_long(call.options) for call in calls]
    return list(compress(calls, [not one for one in long])), list(compress(calls, long))


def _agrees(
    known: Known, sandbox: Sandbox, program: Overlay | None, comparison: Comparison
) -> bool:
    """Whether a known program stands a comparison; not where it cannot be run."""
    try:
        with known.running(sandbox, program) as running:
            return comparison(running)
    except SandboxError:
        return False


def _has_its_form(
    known: Known, sandbox: Sandbox, mistake: Overlay, calls: Sequence[Recorded]
) -> bool:
    """Whether a mistake may be loosely the same: what is remembered of it has the form of what the
    submission gave, from whatever start.
    """
    with known.running(sandbox, mistake) as running:
        pairs = [(call.reply, running.recall(call)) for call in calls]
    return all(other is None or form(one) == form(other) for one, other in pairs)


def _same(running: Running, calls: Sequence[Recorded]) -> bool:
    """Whether every call ends the same. The words of an error count where there is nothing else to
    compare: they follow the spelling.
    """
    returned = any(call.reply.outcome == "returned" for call in calls)
    pairs = ((call.reply, running.reply(call)) for call in calls)
    return all(
        same(one, other) and (returned or words(one) == words(other)) for one, other in pairs
    )


def _same_from(
    running: Running, call: Recorded, start: list[torch.Tensor], *, by_words: bool
) -> bool:
    """Whether a call ends loosely the same from this start; [] stands for the function's own.

    by_words: whether errors must say the same, but for names that a student chose
    """
    end = running.reply_from(call, start) if start else running.reply(call)
    alike = same(loose(call.reply), loose(end))
    if alike and by_words and call.reply.header.get("type") not in OF_NAMES:
        return words(call.reply) == words(end)
    if alike or not start or not call.reply.outcome == end.outcome == "returned":
        return alike
    return not same(end, running.reply_from(call, [tensor * (1 + NUDGE) for tensor in start]))


def start_of(call: Recorded, submission: Loaded, settings: Start) -> list[torch.Tensor]:
    """The tensors that a function returns as its start, for the same seed and arguments of the same
    shapes.

    [] if it has none, or none that can have been drawn. Where no check has asked for them, the
    submission is asked now.
    """
    for other in submission.recorded:
        same_start = (
            other.seed == call.seed
            and other.function == call.function
            and _shapes(other.arguments) == _shapes(call.arguments)
        )
        if same_start and _asks_for_start(other, settings) and other.reply.outcome == "returned":
            return _drawn(other.reply.value, settings)
    parameters = submission.functions.get(call.function, {})
    if _asks_for_start(call, settings) or not settings.options.keys() <= parameters.keys():
        return []
    try:
        submission.ask(
            call.function, call.arguments, {**call.options, **settings.options}, call.seed
        )
    except Verdict:
        return []
    return start_of(submission.recorded[-1], submission, settings)


def _asks_for_start(call: Recorded, settings: Start) -> bool:
    return settings.options.items() <= call.options.items()


def _drawn(value: Any, settings: Start) -> list[torch.Tensor]:
    """The tensors among a function's results, if `draw` can have given them all; else []."""
    parts = value if isinstance(value, tuple | list) else (value,)
    start = [part for part in parts if isinstance(part, torch.Tensor)]
    for part in start:
        inside = (part >= settings.low) & (part < settings.high)
        if not (part.is_floating_point() and bool(inside.all())):
            return []
    return start


def _shapes(arguments: tuple) -> list[Any]:
    return [
        tuple(argument.shape) if isinstance(argument, torch.Tensor) else argument
        for argument in arguments
    ]
