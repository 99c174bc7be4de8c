"""What is wrong with a failing function that behaves like no known program, as far as a few
measurements say: where it starts, what it ignores, when it stops, how far it steps.

Each is a fact about the function's own replies, beside those of a right answer to the same call
from the same start; a function may have more wrong than that, so that it is told as "at least".
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

import numpy
import torch

from autograder.errors import SandboxError
from autograder.grading.alike import loose, same
from autograder.grading.edits import function_in
from autograder.grading.example import Asked, ask, called, numbers_of, right_from, tensors_of
from autograder.grading.known import Known, Running
from autograder.grading.ladder import Rung
from autograder.grading.sentences import HINTS
from autograder.results import Diagnosis
from autograder.sandbox.box import Reply
from autograder.sandbox.process import Sandbox

NEAR = 2e-3  # relative: two measured factors are the same one
APART = 1e-2  # relative: a factor is not 1
LEAST_RUNGS = 3  # that show a factor
# what is measured, and is true of functions with whatever else wrong
MEASURED = ("step_scaled", "history_scaled", "start_changed", "stops_early", "ignored")
HANDED = (0.83, 0.17, 0.56, 0.29, 0.91, 0.38, 0.64, 0.05, 0.72, 0.47)


@dataclass(frozen=True)
class Pair:
    """What a function and a right answer gave on one rung, from the same start."""

    rung: Rung
    start: list[torch.Tensor]
    given: Reply
    right: Reply


def trait_of(known: Known, sandbox: Sandbox, asked: Asked) -> Diagnosis | None:
    """The first thing that can be said of a function; None where nothing can."""
    if not asked.replies or known.assignment.start is None or not any(asked.all_starts()):
        return None
    if any(rung.right for rung in asked.rungs):  # what right answers give is not one and the same
        return None
    function = asked.rungs[0].function
    names = _results(known, function)
    try:
        with known.running(sandbox, None) as running:
            for told in (_start(known, asked, running, names), _stops(known, asked, running)):
                if told:
                    return _diagnosis(function, *told)
            pairs = list(_pairs(known, asked, running))
            for told in (
                _ignored(known, asked, running),
                _steps(pairs, names),
                _histories(pairs),
            ):
                if told:
                    return _diagnosis(function, *told)
    except (SandboxError, RuntimeError):  # a reply that has another form than was thought
        return None
    return None


def _diagnosis(function: str, kind: str, what: str, hint: str) -> Diagnosis:
    return Diagnosis(function, kind, f"At least this: {what}", HINTS[hint], how="part")


def _results(known: Known, function: str) -> list[str]:
    """The words of what a function returns, in order."""
    text = known.assignment.solution.read_text(encoding="utf-8")
    tree = function_in(text, function)
    last = tree.body[-1] if tree is not None else None
    if not isinstance(last, ast.Return) or last.value is None:
        return []
    parts = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
    return [known.assignment.words.get(ast.unparse(part), "") for part in parts]


# --- where it starts ------------------------------------------------------------------------------


def _start(
    known: Known, asked: Asked, running: Running, names: list[str]
) -> tuple[str, str, str] | None:
    """Whether what is drawn is changed before the first step."""
    settings = known.assignment.start
    assert settings is not None
    fits: list[tuple[float, float] | None] = []
    told: dict[str, bool] = {}
    for rung, own in zip(asked.rungs, asked.all_starts(), strict=False):
        still = rung.with_options(settings.options)
        right = tensors_of(running.reply(still.call)) if own else []
        if still.text in told or [t.shape for t in own] != [t.shape for t in right]:
            continue
        told[still.text] = True
        handed = [_numbers(t) for t in right]
        call = still.call
        reply = called(asked.submission, call, seed=call.seed, draw=settings.draw, start=handed)
        moved = tensors_of(reply)
        if [t.shape for t in moved] != [t.shape for t in right]:
            continue
        if all(torch.equal(one, other) for one, other in zip(moved, own, strict=True)):
            continue  # what draws it is another function
        flat, ends = numbers_of(handed), numbers_of(moved)
        if numpy.allclose(numpy.sort(flat), numpy.sort(ends), atol=1e-5):
            fits.append(None)
            continue
        fits.append(_line(flat, ends) if len(flat) > 2 else (float("nan"), 0.0))
    changed = [fit for fit in fits if fit is not None]
    if not changed or len(told) < 2 or not _is_right(known, asked, running):
        return None  # what is returned may be changed, and not what it starts from
    what = "the start is not used as torch.rand draws it".replace("torch.rand", settings.draw)
    known_fits = [fit for fit in changed if not numpy.isnan(fit[0])]
    if known_fits and len(changed) == len(fits):
        factors = {round(factor, 3) for factor, _ in known_fits}
        shifts = {round(shift, 3) for _, shift in known_fits}
        if shifts == {0.0} and len(factors) == 1:
            what = f"the start is {factors.pop():g} times what {settings.draw} draws"
        elif shifts == {0.0}:
            what = (
                f"the start is what {settings.draw} draws, times a number that depends on the input"
            )
        elif len(shifts) == len(factors) == 1:
            what = (
                f"the start is {factors.pop():g} times what {settings.draw} draws, "
                f"and {shifts.pop():g} more"
            )
    return "start_changed", what, "start"


def _numbers(like: torch.Tensor) -> torch.Tensor:
    values = [HANDED[place % len(HANDED)] for place in range(like.numel())]
    return torch.tensor(values).reshape(like.shape)


def _line(flat: numpy.ndarray, ends: numpy.ndarray) -> tuple[float, float]:
    """(factor, shift) of ends = factor * flat + shift; NaN where that is not so."""
    columns = numpy.stack([flat, numpy.ones_like(flat)], 1)
    (factor, shift), *_ = numpy.linalg.lstsq(columns, ends, rcond=None)
    if numpy.abs(columns @ [factor, shift] - ends).max() > 1e-4:
        return float("nan"), 0.0
    return float(factor), float(shift)


def _is_right(known: Known, asked: Asked, running: Running) -> bool:
    """Whether every reply is right for where the function started."""
    return all(
        same(loose(reply), loose(right_from(known, running, rung, start)))
        for rung, start, reply in zip(asked.rungs, asked.all_starts(), asked.replies, strict=False)
    )


# --- when it stops --------------------------------------------------------------------------------


def _stops(known: Known, asked: Asked, running: Running) -> tuple[str, str, str] | None:
    """Whether more turns than some change nothing, though what is right still moves: asked on long
    rungs, where everything before is right.
    """
    settings = known.assignment.start
    assert settings is not None
    count = next((name for name, one in settings.options.items() if isinstance(one, int)), "")
    if not _is_right(known, asked, running):
        return None
    long = [one for one in known.ladder[asked.rungs[0].function] if one.long and count in one.named]
    for rung in long:
        half = rung.with_options({count: rung.named[count] // 2})
        both = ask(asked.submission, [half, rung], settings)
        if len(both.replies) < 2:
            return None
        right = right_from(known, running, rung, both.start(1))
        if same(loose(both.replies[1]), loose(right)):
            continue
        less, more = (tensors_of(one) for one in both.replies)
        if less and len(less) == len(more) and all(map(torch.equal, less, more)):
            turns = rung.named[count]
            what = f"it stops early: {turns} turns give what {turns // 2} turns give"
            return "stops_early", what, "loop"
    return None


# --- what it ignores ------------------------------------------------------------------------------


def _ignored(known: Known, asked: Asked, running: Running) -> tuple[str, str, str] | None:
    """An option that makes no difference."""
    settings = known.assignment.start
    assert settings is not None
    usable = [
        rung
        for rung, reply in zip(asked.rungs, asked.replies, strict=False)
        if reply.outcome == "returned" and all(_turns(rung, name) > 2 for name in _counts(known))
    ]
    if len(usable) < 2:
        return None
    for option, value in usable[0].named.items():
        if not isinstance(value, int | float):
            continue
        changed = [_halved(rung, option) for rung in usable[:2]]
        replies = ask(asked.submission, changed, None).replies
        given = [asked.replies[asked.rungs.index(rung)] for rung in usable[:2]]
        equal = len(replies) == 2 and all(
            same(one, other) for one, other in zip(replies, given, strict=True)
        )
        if not equal:
            continue
        rights = [
            same(running.reply(one.call), running.reply(other.call))
            for one, other in zip(usable[:2], changed, strict=True)
        ]
        word = known.assignment.words.get(option, "")
        if not any(rights) and word:
            return "ignored", f"{word} makes no difference", "step"
    return None


def _halved(rung: Rung, option: str) -> Rung:
    value = rung.named[option]
    return rung.with_options({option: value // 2 if isinstance(value, int) else value / 2 + 0.01})


def _counts(known: Known) -> list[str]:
    settings = known.assignment.start
    assert settings is not None
    return [name for name, value in settings.options.items() if isinstance(value, int)]


def _turns(rung: Rung, name: str) -> int:
    return int(rung.named.get(name, 0))


# --- how far it steps -----------------------------------------------------------------------------


def _steps(pairs: list[Pair], names: list[str]) -> tuple[str, str, str] | None:
    """Parts whose first step is some number of times as long as it should be, always the same."""
    factors: dict[int, list[float]] = {}
    for pair in pairs:
        given, right = tensors_of(pair.given), tensors_of(pair.right)
        if [t.shape for t in given] != [t.shape for t in pair.start] or len(given) != len(right):
            continue
        for place, (start, one, other) in enumerate(zip(pair.start, given, right, strict=True)):
            moved, wanted = numbers_of([one - start]), numbers_of([other - start])
            if numpy.abs(wanted).max() < 1e-3:
                continue
            factor = float(moved @ wanted / (wanted @ wanted))
            off = numpy.abs(moved - factor * wanted).max() / numpy.abs(wanted).max()
            factors.setdefault(place, []).append(factor if off < NEAR else float("nan"))
    told = []
    for place, found in factors.items():
        middle = float(numpy.median(found))
        steady = not numpy.isnan(found).any() and numpy.ptp(found) <= NEAR * max(1.0, abs(middle))
        if len(found) >= LEAST_RUNGS and steady and abs(middle - 1) > APART:
            name = names[place] if place < len(names) and names[place] else "a result"
            told.append((name, round(middle, 3)))
    if not told:
        return None
    by_factor = {factor for _, factor in told}
    if len(by_factor) > 1:
        told = told[:1]
    who, factor = " and ".join(name for name, _ in told), told[0][1]
    if factor == 0:
        what = f"the first turn does not move {who}"
    elif factor < 0:
        what = f"the first step of {who} goes the wrong way"
    else:
        what = f"the first step of {who} is {factor:g} times as long as it should be"
    return "step_scaled", what, "step"


def _histories(pairs: list[Pair]) -> tuple[str, str, str] | None:
    """A first loss that is some number of times what it should be, always the same."""
    factors = []
    for pair in pairs:
        given, right = _history(pair.given), _history(pair.right)
        if given and right and abs(right[0]) > 1e-3:
            factors.append(given[0] / right[0])
    if len(factors) < LEAST_RUNGS or not numpy.isfinite(factors).all():
        return None
    middle = float(numpy.median(factors))
    if numpy.ptp(factors) <= NEAR * max(1.0, abs(middle)) and abs(middle - 1) > APART:
        what = f"the first loss of the history is {round(middle, 3):g} times what it should be"
        return "history_scaled", what, "step"
    return None


def _history(reply: Reply) -> list[float]:
    parts = reply.value if isinstance(reply.value, tuple | list) else ()
    lists = [part for part in parts if isinstance(part, list | tuple)]
    plain = lists and all(isinstance(item, float | int) for item in lists[-1])
    return [float(item) for item in lists[-1]] if plain else []


# --- what is compared -----------------------------------------------------------------------------


def _pairs(known: Known, asked: Asked, running: Running) -> Iterator[Pair]:
    """The rungs of one turn, and what is right there."""
    counts = _counts(known)
    for rung, start, given in zip(asked.rungs, asked.all_starts(), asked.replies, strict=False):
        one_turn = all(_turns(rung, name) == 1 for name in counts)
        if start and one_turn and given.outcome == "returned":
            yield Pair(rung, start, given, right_from(known, running, rung, start))
