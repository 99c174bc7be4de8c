"""The smallest example that fails: the first rung of the ladder on which a function differs.

What is right for a rung is what a right answer gives from the function's own start, where the
assignment says how one is asked for. Of several right answers (`bases`) the nearest one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch

from autograder.assignment import Overlay, Start
from autograder.errors import SandboxError
from autograder.grading.alike import loose, same
from autograder.grading.known import Known, Running
from autograder.grading.ladder import SEED, Rung, shown, told
from autograder.grading.student import Loaded
from autograder.results import Example
from autograder.sandbox.process import Reply, Sandbox

CPU_SECONDS = 1.0  # of a function on its ladder; past it, what was asked has to do
TELLING = ("returned", "raised")


@dataclass
class Asked:
    """A submission's function on its ladder.

    replies: how each rung ended; shorter than the ladder where that took too long
    starts: what it started from on each rung; [] where it has no start, or none is asked for
    """

    submission: Loaded
    rungs: tuple[Rung, ...]
    replies: list[Reply] = field(default_factory=list)
    starts: list[list[torch.Tensor]] = field(default_factory=list)


def ask(submission: Loaded, rungs: Sequence[Rung], settings: Start | None) -> Asked:
    """Ask a submission's function every rung, until one does not end by itself."""
    asked, begun = Asked(submission, tuple(rungs)), submission.box.cpu_seconds
    by_clock = submission.box.by_clock
    starts: dict[str, list[torch.Tensor]] = {}
    for rung in rungs:
        reply = _call(submission, rung)
        if reply.outcome not in TELLING or submission.box.cpu_seconds - begun > CPU_SECONDS:
            break
        start: list[torch.Tensor] = []
        if settings is not None and settings.options.keys() <= rung.named.keys():
            still = rung.with_options(settings.options)
            if still.text not in starts:
                starts[still.text] = tensors_of(_call(submission, still))
            start = starts[still.text]
        asked.replies.append(reply)
        asked.starts.append(start)
    submission.box.by_clock = by_clock  # none of this decides a point
    return asked


def _call(submission: Loaded, rung: Rung, seed: int = SEED) -> Reply:
    call = rung.call
    return submission.box.call(call.function, call.arguments, call.options, seed=seed)


def tensors_of(reply: Reply) -> list[torch.Tensor]:
    """The tensors of floats among what a call returned, in order."""
    value = reply.value
    parts = value if isinstance(value, tuple | list) else (value,)
    return [p for p in parts if isinstance(p, torch.Tensor) and p.is_floating_point()]


def smallest_example(known: Known, sandbox: Sandbox, asked: Asked) -> Example | None:
    """The first rung on which a function differs from every right answer that starts where it does;
    None where it differs on none.

    Where nothing differs but the kind of a number, that does; where nothing does from its own
    start, a start that is none of `draw`'s; where that is as it should be, a long rung.
    """
    example = _differs(known, sandbox, asked) or _odd_start(known, sandbox, asked)
    if example is not None or len(asked.replies) < len(asked.rungs) or not asked.rungs:
        return example
    function = asked.rungs[0].function
    longer = [rung for rung in known.ladder[function] if rung.long]
    return _differs(known, sandbox, ask(asked.submission, longer, known.assignment.start))


def _differs(known: Known, sandbox: Sandbox, asked: Asked) -> Example | None:
    """The first rung on which a function differs, in the eyes of the last of the right answers that
    it is compared with; None where it agrees with one of them.
    """
    found = None
    for base in (None, *known.assignment.bases):
        found = _differs_from(known, sandbox, base, asked)
        if found is None:
            return None
    return found


def _differs_from(
    known: Known, sandbox: Sandbox, base: Overlay | None, asked: Asked
) -> Example | None:
    """The first rung on which a function differs from one right answer."""
    try:
        with known.running(sandbox, base) as running:
            compared = []
            for rung, start, given in zip(asked.rungs, asked.starts, asked.replies, strict=False):
                right = running.reply(rung.call)
                usable = [t.shape for t in start] == [t.shape for t in tensors_of(right)]
                if start and usable and not _tensors_alike(start, _own_start(known, running, rung)):
                    right = running.reply_from(rung.call, start)
                one = Compared(rung, start if usable else [], given, right)
                if not same(loose(given), loose(right)):
                    return one.told(told)
                compared.append(one)
    except SandboxError:
        return None
    other_kind = (one for one in compared if not same(one.given, one.right))
    return next((one.told(kinds) for one in other_kind), None)


def _own_start(known: Known, running: Running, rung: Rung) -> list[torch.Tensor]:
    """Where a right answer itself starts: who starts there too is told by what is remembered."""
    settings = known.assignment.start
    assert settings is not None, "without [diagnosis] nobody is asked for a start"
    return tensors_of(running.reply(rung.with_options(settings.options).call))


@dataclass(frozen=True)
class Compared:
    """A rung, from where it started, what was given and what is right."""

    rung: Rung
    start: list[torch.Tensor]
    given: Reply
    right: Reply

    def told(self, tell: Callable[[Reply], str]) -> Example:
        """All of that as text."""
        start = shown(tuple(self.start)) if self.start else ""
        given, right = tell(self.given), tell(self.right)
        if self.given.arguments and not same(_arguments(self.given), _arguments(self.right)):
            given += f", and left its arguments as {shown(self.given.arguments)}"
        return Example(self.rung.text, start, given, right)


def _arguments(reply: Reply) -> Reply:
    return replace(reply, value=None, gradients=())


def kinds(reply: Reply) -> str:
    """How a call ended, with the kinds of its parts."""
    value = reply.value
    parts = value if isinstance(value, tuple | list) else (value,)
    names = ", ".join(_kind(part) for part in parts)
    return f"{told(reply)} ({names})"


def _kind(value: object) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return type(value).__name__


def _odd_start(known: Known, sandbox: Sandbox, asked: Asked) -> Example | None:
    """A start outside the interval of what should draw it, or with all numbers alike."""
    settings = known.assignment.start
    if settings is None:
        return None
    asked_for = list(zip(asked.rungs, asked.starts, strict=False))
    if not asked_for:  # the first call already has no end
        return None
    for rung, start in sorted(asked_for, key=lambda one: sum(t.numel() for t in one[1])):
        still = rung.with_options(settings.options)
        if start and _is_odd(torch.cat([t.flatten() for t in start]), settings):
            right = f"as {settings.draw} draws them, all over {settings.low:g} to {settings.high:g}"
            return Example(still.text, "", shown(tuple(start)), right)
    if not start or not _tensors_alike(start, tensors_of(_call(asked.submission, still, SEED + 1))):
        return None
    seeds = f"{still.text} after torch.manual_seed({SEED}) and after torch.manual_seed({SEED + 1})"
    return Example(seeds, "", "the same numbers both times", "other numbers each time")


def _tensors_alike(ones: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    return len(ones) == len(others) and all(map(torch.equal, ones, others))


def _is_odd(numbers: torch.Tensor, settings: Start) -> bool:
    """Whether `draw` cannot have given these: outside its interval, all alike, or, of many, none in
    one half of it.
    """
    middle = (settings.low + settings.high) / 2
    inside = bool(((numbers >= settings.low) & (numbers < settings.high)).all())
    alike = len(numbers) > 2 and len(set(numbers.tolist())) == 1
    half = len(numbers) >= 12 and bool((numbers < middle).all() or (numbers > middle).all())
    return not inside or alike or half
