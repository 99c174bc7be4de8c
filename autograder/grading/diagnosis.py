"""Which known mistake does a failing function behave like?

Never a guess. A known mistake is named for a function when the submission fails the checks of that
function that the mistake names, *and* the mistake, run behind the line on the very calls that the
checks made, ends every one of them in the same way: the same outcome, the same error, the same
values within `TOLERANCE`. (From another start it may fail a check more than it names.)

Two people who start differently (V before U, float64, a transposed draw) get other values from the
same rule. So where the plain comparison fails, the calls are repeated with the mistake started from
the submission's own start, where the assignment says how one is asked for ([diagnosis] in its
assignment.toml: at a learning rate of 0, say) and what it is drawn with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from autograder.assignment import Overlay, Start
from autograder.errors import SandboxError
from autograder.grading.known import Known, Running
from autograder.grading.student import Loaded, Recorded, Verdict
from autograder.results import Check, Diagnosis
from autograder.sandbox.process import Reply, Sandbox

# relative to the size of the values; rules differ by far more within the epochs that checks run
TOLERANCE = 1e-4
# a few units in the last place of float32: what another order of additions may do to a result
NUDGE = 1e-6
# checks give values near 1; from here to NaN, what a diverging run returns is a matter of rounding
DIVERGED = 1e8


def diagnose(
    known: Known, sandbox: Sandbox, checks: Sequence[Check], submission: Loaded
) -> tuple[Diagnosis, ...]:
    """The known mistake of each failing function, where there is one; functions in the assignment's
    order.

    submission: still open, with the calls that the checks made recorded in it
    """
    found = []
    missed = {check.name for check in checks if check.outcome != "passed"}
    for function in known.assignment.functions:
        names = {check.name for check in checks if check.function == function}
        calls = [call for call in submission.recorded if call.function == function]
        if names & missed and any(_tells(call.reply) for call in calls):
            candidates = _candidates(known.assignment.mistakes, names, missed)
            mistake = first_alike(known, sandbox, candidates, calls, submission)
            if mistake is not None:
                found.append(Diagnosis(function, mistake.name, mistake.title, mistake.hint))
    return tuple(found)


def _candidates(mistakes: Sequence[Overlay], names: set[str], missed: set[str]) -> list[Overlay]:
    """The mistakes that fail some of a function's checks `names`, and none but `missed`; who fails
    nothing else is first.
    """
    nearest = sorted(mistakes, key=lambda mistake: len(set(mistake.fails) - missed))
    return [mistake for mistake in nearest if set() < set(mistake.fails) & names <= missed]


def _tells(reply: Reply) -> bool:
    """Whether an ending says something about the mistake made: a limit or a stub's
    NotImplementedError does not.
    """
    if reply.outcome == "raised":
        return reply.header.get("type") != "NotImplementedError"
    return reply.outcome == "returned"


def first_alike(
    known: Known,
    sandbox: Sandbox,
    candidates: Sequence[Overlay],
    calls: Sequence[Recorded],
    submission: Loaded,
) -> Overlay | None:
    """The first candidate that ends every call like the submission; if none does, the first that
    does so loosely.

    Loosely: from the submission's own starts, with numbers for tensors of one element, and where
    rounding decides a value, whatever it is. Where the solution is alike in this sense too, what is
    wrong is none of what is compared, and nothing is named.
    """

    def behaves_like(mistake: Overlay | None, comparison: Callable[[Running], bool]) -> bool:
        try:
            with known.running(sandbox, mistake) as running:
                return comparison(running)
        except SandboxError:
            return False

    def first(comparison: Callable[[Running], bool]) -> Overlay | None:
        return next((mistake for mistake in candidates if behaves_like(mistake, comparison)), None)

    mistake = first(lambda running: _same(running, calls))
    if mistake or not candidates:
        return mistake
    settings = known.assignment.start
    started = [(call, start_of(call, submission, settings) if settings else []) for call in calls]
    started.sort(key=lambda pair: len(pair[1]))  # what may be remembered comes first

    def loosely_same(running: Running) -> bool:
        return all(_same_from(running, call, start) for call, start in started)

    return None if behaves_like(None, loosely_same) else first(loosely_same)


def _same(running: Running, calls: Sequence[Recorded]) -> bool:
    """Whether every call ends the same. The words of an error count where there is nothing else to
    compare: they follow the spelling.
    """
    returned = any(call.reply.outcome == "returned" for call in calls)
    pairs = ((call.reply, running.reply(call)) for call in calls)
    return all(
        same(one, other) and (returned or words(one) == words(other)) for one, other in pairs
    )


def words(reply: Reply) -> object:
    return reply.header.get("message")


def _same_from(running: Running, call: Recorded, start: list[torch.Tensor]) -> bool:
    """Whether a call ends loosely the same from this start; [] stands for the function's own."""
    end = running.reply_from(call, start) if start else running.reply(call)
    alike = same(_loose(call.reply), _loose(end))
    if alike or not start or not call.reply.outcome == end.outcome == "returned":
        return alike
    return not same(end, running.reply_from(call, [tensor * (1 + NUDGE) for tensor in start]))


def _loose(reply: Reply) -> Reply:
    return replace(reply, value=_numbers(reply.value))


def _numbers(value: Any) -> Any:
    """`value` with a Python number for every tensor of one element."""
    if isinstance(value, tuple | list):
        return [_numbers(item) for item in value]
    return float(value) if isinstance(value, torch.Tensor) and value.numel() == 1 else value


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


def same(one: Reply, other: Reply) -> bool:
    """Whether two replies tell the same story."""
    if one.outcome != other.outcome:
        return False
    if one.outcome != "returned":
        return one.header.get("type") == other.header.get("type")
    return (
        alike(one.value, other.value)
        and alike(one.gradients, other.gradients)
        and alike(one.arguments, other.arguments)
    )


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal: within `TOLERANCE` for numbers, all that has diverged alike,
    lists equal to tuples.
    """
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if one.shape != other.shape:
            return False
        a, b = settled(one), settled(other)
        scale = float(b.abs().nan_to_num(0.0).max()) if b.numel() else 0.0
        return bool(
            torch.allclose(a, b, rtol=0.0, atol=TOLERANCE * max(scale, 1e-3), equal_nan=True)
        )
    if isinstance(one, float | int) and isinstance(other, float | int):
        if not (abs(one) < DIVERGED and abs(other) < DIVERGED):
            return not abs(one) < DIVERGED and not abs(other) < DIVERGED
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE * 1e-3)
    return type(one) is type(other) and one == other


def settled(tensor: torch.Tensor) -> torch.Tensor:
    """float64, with NaN for everything that has diverged."""
    value = tensor.to(torch.float64)
    return torch.where(value.abs() < DIVERGED, value, torch.nan)
