"""The smallest example that fails: the first rung of the ladder on which a function differs.

What is right for a rung is what a right answer gives from the function's own start, where the
assignment says how one is asked for. Of several right answers (`bases`) the nearest counts. Where
right answers give different results, it is what they have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import numpy
import torch

from autograder.assignment import Start
from autograder.errors import SandboxError
from autograder.grading import smallest
from autograder.grading.known import Known, Running
from autograder.grading.ladder import Rung
from autograder.grading.smallest import (
    CPU_SECONDS,
    SEED,
    Compared,
    Difference,
    Ended,
    Lines,
    OutOfTime,
)
from autograder.grading.student import RECORDED_BYTES, Loaded, Recorded
from autograder.results import Example
from autograder.sandbox.box import Reply
from autograder.sandbox.process import Sandbox

ASKED_SINGLY = 2  # starts, before all others are asked for at once
TELLING = ("returned", "raised")


@dataclass
class Asked:
    """A submission's function on its ladder.

    replies: how each rung ended; shorter than the ladder where that took too long
    settings: how its start is asked for; None where it has none
    begun: what its box had used before
    """

    submission: Loaded
    rungs: tuple[Rung, ...]
    settings: Start | None
    replies: list[Reply] = field(default_factory=list)
    begun: float = 0.0
    _starts: dict[str, list[torch.Tensor]] = field(default_factory=dict)

    def start(self, place: int) -> list[torch.Tensor]:
        """What the function started from on one rung, asked for when it is wanted; [] where it has
        no start, or none is asked for.
        """
        rung, settings = self.rungs[place], self.settings
        if settings is None or not settings.options.keys() <= rung.named.keys():
            return []
        still = rung.with_options(settings.options)
        if still.text not in self._starts and len(self._starts) == ASKED_SINGLY:
            self._ask_for_starts()
        if still.text not in self._starts:
            self._starts[still.text] = tensors_of(_call(self.submission, still))
        return self._starts[still.text]

    def all_starts(self) -> list[list[torch.Tensor]]:
        """What it started from on every rung that it answered."""
        self._ask_for_starts()
        return [self.start(place) for place in range(len(self.replies))]

    def _ask_for_starts(self) -> None:
        """Ask for all that are not known yet, at once."""
        wanted: list[Rung] = []
        settings = self.settings
        for rung in self.rungs[: len(self.replies)]:
            if settings is not None and settings.options.keys() <= rung.named.keys():
                still = rung.with_options(settings.options)
                if still.text not in self._starts | {one.text: [] for one in wanted}:
                    wanted.append(still)
        if wanted:
            replies = several(self.submission, wanted, self.submission.box.cpu_seconds)
            for still, reply in zip(wanted, replies, strict=False):
                self._starts[still.text] = tensors_of(reply)


def ask(
    submission: Loaded, rungs: Sequence[Rung], settings: Start | None, begun: float | None = None
) -> Asked:
    """Ask a submission's function every rung, until one does not end by itself, or all its time is
    used up. begun: what its box had used when that time began; None: it begins now
    """
    begun = submission.box.cpu_seconds if begun is None else begun
    asked = Asked(submission, tuple(rungs), settings, begun=begun)
    asked.replies += several(submission, rungs, begun)
    return asked


def several(submission: Loaded, rungs: Sequence[Rung], begun: float) -> list[Reply]:
    """How calls of one function end, up to the first that does not end by itself or in time: all in
    one request, and one by one what is left.
    """
    box = submission.box
    left = CPU_SECONDS - (box.cpu_seconds - begun)
    if not rungs or left <= 0:
        return []
    given = [(rung.placed, rung.named, ()) for rung in rungs]
    asked = box.calls(rungs[0].function, given, seed=SEED, seconds=left)
    replies = list(takewhile(is_small, asked))
    for rung in rungs[len(replies) :]:
        if box.cpu_seconds - begun > CPU_SECONDS:
            break
        reply = _call(submission, rung)
        if reply.outcome not in TELLING:
            break
        replies.append(reply)
    return replies


def _call(submission: Loaded, rung: Rung, seed: int = SEED) -> Reply:
    return called(submission, rung.call, seed=seed)


def called(
    submission: Loaded,
    call: Recorded,
    *,
    seed: int,
    draw: str = "",
    start: Sequence[torch.Tensor] = (),
) -> Reply:
    """How one call ends, with a start handed out by `draw` if one is given. What answers more than
    is compared has not answered: to compare takes many times the memory.
    """
    reply = submission.box.call(
        call.function, call.arguments, call.options, seed=seed, draw=draw, start=start
    )
    return reply if is_small(reply) else Reply("output_limit", {})


def is_small(reply: Reply) -> bool:
    """Whether a reply is no larger than those that are compared."""
    return reply.size <= RECORDED_BYTES


def tensors_of(reply: Reply) -> list[torch.Tensor]:
    """The tensors of floats among what a call returned, in order."""
    return smallest.tensors_of(reply.value)


def numbers_of(tensors: Sequence[torch.Tensor]) -> numpy.ndarray:
    """The numbers of some tensors, one after another."""
    return torch.cat([tensor.flatten() for tensor in tensors]).to(torch.float64).numpy()


def smallest_example(
    known: Known, sandbox: Sandbox, asked: Asked, kinds_matter: bool
) -> Example | None:
    """The first rung on which a function differs from every right answer that starts where it does;
    None where it differs on none.

    Where nothing differs but the kind of a number, that does, if kinds matter; where nothing does
    from its own start, a start that is none of `draw`'s; where that is as it should be, a long
    rung.

    kinds_matter: whether a check refuses the kind of what it was given
    """
    lines = _differs(known, sandbox, asked, kinds_matter) or _odd_start(known, asked)
    if lines is None and len(asked.replies) == len(asked.rungs) and asked.rungs:
        longer = [rung for rung in known.ladder[asked.rungs[0].function] if rung.long]
        for rung in longer:
            one = ask(asked.submission, [rung], known.assignment.start, asked.begun)
            lines = _differs(known, sandbox, one, kinds_matter)
            if lines is not None or not one.replies:
                break
    return None if lines is None else Example(*lines)


def _differs(known: Known, sandbox: Sandbox, asked: Asked, kinds_matter: bool) -> Lines | None:
    """The first rung on which a function differs from the nearest of the right answers; None where
    it agrees with one of them.
    """

    def differences() -> Iterator[Difference | None]:
        for base in (None, *known.assignment.bases):
            with known.running(sandbox, base) as running:
                yield smallest.first_difference(_compared(known, running, asked), kinds_matter)

    try:
        return smallest.from_the_nearest(differences())
    except SandboxError:
        return None


def _compared(known: Known, running: Running, asked: Asked) -> Iterator[Compared]:
    """Each rung with what a right answer gives there, from the function's own start."""
    for place, given in enumerate(asked.replies):
        rung, start = asked.rungs[place], asked.start(place)
        if rung.right:
            properties = [known.properties[name] for name in rung.right]
            again = _again(asked, rung, given)
            wanted = smallest.lacking(properties, given, rung.arguments, again)
            yield Compared(rung.text, start, given, None, wanted)
            continue
        right = right_from(known, running, rung, start)
        yield Compared(rung.text, start if _begins(right, start) else [], given, right)


def right_from(known: Known, running: Running, rung: Rung, start: list[torch.Tensor]) -> Reply:
    """What a right answer gives from where a function starts; from its own start, where that cannot
    be one.
    """
    right = running.reply(rung.call)
    if not (start and _begins(right, start)):
        return right
    if smallest.equal(start, _own_start(known, running, rung)):
        return right
    return running.reply_from(rung.call, start)


def _begins(reply: Reply, start: list[torch.Tensor]) -> bool:
    """Whether a call can have begun there, by the shapes."""
    return [t.shape for t in start] == [t.shape for t in tensors_of(reply)]


def _again(asked: Asked, rung: Rung, given: Reply) -> Callable[..., Any]:
    """Makes the call of a rung another time, with some of its arguments changed."""

    def again(seed: int = SEED, **changed: Any) -> Any:
        if not changed and seed == SEED:
            return given.value
        if asked.submission.box.cpu_seconds - asked.begun > CPU_SECONDS:
            raise OutOfTime
        other = rung.with_arguments(changed)
        reply = _call(asked.submission, other, seed)
        if reply.outcome != "returned":
            raise Ended(f"a result of {other.text} as well, which {smallest.told(reply)}")
        return reply.value

    return again


def _own_start(known: Known, running: Running, rung: Rung) -> list[torch.Tensor]:
    """Where a right answer itself starts: who starts there too is told by what is remembered."""
    settings = known.assignment.start
    assert settings is not None, "without [diagnosis] nobody is asked for a start"
    return tensors_of(running.reply(rung.with_options(settings.options).call))


def _odd_start(known: Known, asked: Asked) -> Lines | None:
    settings = known.assignment.start
    if settings is None:
        return None
    stills = [rung.with_options(settings.options) for rung in asked.rungs]
    starts = [(rung.text, start) for rung, start in zip(stills, asked.all_starts(), strict=False)]
    return smallest.odd_start(
        starts,
        settings,
        lambda place: tensors_of(_call(asked.submission, stills[place], SEED + 1)),
    )
