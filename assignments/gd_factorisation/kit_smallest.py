"""The smallest example that fails, as a student reads it: of calls that were made, the first that
differs from what is right, and how.

Students receive this file with their kit, as kit_smallest.py, so that the notebook and the grader
show the same: it uses torch and `alike` alone. A reply is whatever has an outcome, a header, a
value, arguments and gradients.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch

if __name__.startswith("autograder."):
    from autograder.grading.alike import alike, loose, numbers, same, settled
else:
    from kit_alike import alike, loose, numbers, same, settled  # type: ignore[no-redef]

SEED = 0
CPU_SECONDS = 0.7  # of a function on its ladder; past it, what was asked has to do
DIGITS, MOST_DIGITS = 4, 7  # of a number that is shown; the most where fewer show no difference
SHOWN_NUMBERS = 12  # of a tensor or a list; the rest is "..."
MOST_SHOWN = 1000  # characters of a value, or of an exception; what a check asks for has fewer
REFUSED = (  # how checks say that they refuse the kind of a result
    r"\b(?:type|dtype|shape|tensor|Tensor|floats?|numbers?)\b.*; expected ",
    r"; expected .*\b(?:type|dtype|shape|tensor|Tensor|floats?|numbers?)\b",
    r"could not (?:use what your function returned|work with)",
)


class Lines(NamedTuple):
    """An example as text: the call, from where it started ("": nowhere of its own), what it gave,
    what is right.
    """

    call: str
    start: str
    given: str
    right: str


@dataclass(frozen=True)
class Compared:
    """One call: its text, from where it started, what was given and what is right.

    right: a reply; where right answers give different ones, None
    wanted: what of the properties of a right answer it lacks, in words; "" where it lacks none
    """

    call: str
    start: Sequence[torch.Tensor]
    given: Any
    right: Any
    wanted: str = ""

    @property
    def differs(self) -> bool:
        """Whether something is wrong, other than the kind of a number."""
        if self.right is None:
            return bool(self.wanted)
        return not same(loose(self.given), loose(self.right))

    @property
    def differs_in_kind(self) -> bool:
        """Whether a number is of another kind; in a list, a tensor of no dimension is a number."""
        return self.right is not None and not same(_listed_plainly(self.given), self.right)

    @property
    def agreement(self) -> float:
        """How much of what was given is right: the share of its numbers."""
        if self.right is None:
            return 0.0
        ones, others = list(_numbers_in(self.given.value)), list(_numbers_in(self.right.value))
        if not ones or len(ones) != len(others):
            return 0.0
        return sum(map(alike, ones, others)) / len(ones)

    def lines(self, tell: Callable[..., str] | None = None) -> Lines | None:
        """All of that as text, with as many digits as show that it differs, or the kinds of its
        parts where all numbers agree; None where nothing that is shown does. tell: how what was
        returned is told
        """
        tell = tell or told
        lines = self._told_with(DIGITS, tell)
        if lines.given == lines.right and self.agreement == 1.0:
            tell = kinds
        for digits in range(DIGITS, MOST_DIGITS + 1):
            lines = self._told_with(digits, tell)
            if lines.given != lines.right:
                return lines
        return None

    def _told_with(self, digits: int, tell: Callable[..., str]) -> Lines:
        start = shown(tuple(self.start), digits) if self.start else ""
        given = tell(self.given, digits)
        if self.right is None:
            return Lines(self.call, start, given, self.wanted)
        raises = self.right.outcome == "raised"  # its words may be a line of the solution
        kept = raises or same(_arguments(self.given), _arguments(self.right))
        if self.given.arguments and not kept:
            given += f", and left its arguments as {shown(self.given.arguments, digits)}"
        right = f"raises {self.right.header.get('type')}" if raises else tell(self.right, digits)
        return Lines(self.call, start, given, right)


def _arguments(reply: Any) -> Any:
    return replace(reply, value=None, gradients=())


def _listed_plainly(reply: Any) -> Any:
    """A reply with a Python number for every tensor of no dimension in a list."""
    parts = reply.value if isinstance(reply.value, tuple) else (reply.value,)
    plain = tuple(_plain(part) if isinstance(part, list) else part for part in parts)
    return replace(reply, value=plain if isinstance(reply.value, tuple) else plain[0])


def _plain(items: list[Any]) -> list[Any]:
    return [
        numbers(one) if isinstance(one, torch.Tensor) and not one.ndim else one for one in items
    ]


def _numbers_in(value: Any) -> Iterator[float]:
    """The numbers of a result, one after another."""
    if isinstance(value, torch.Tensor):
        yield from settled(value.flatten()).tolist()
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _numbers_in(part)
    elif isinstance(value, float | int):
        yield float(value)


class Difference(NamedTuple):
    """The first call on which a function differs from one right answer: how many agree before it,
    how much of it is right, and the call as text; None where no digit that is shown differs.
    """

    before: int
    agreement: float
    lines: Lines | None


def first_difference(compared: Iterable[Compared], kinds_matter: bool) -> Difference | None:
    """The first call that differs; else, where kinds matter, the first that differs in the kind of
    a number. None where none does.
    """
    seen: list[Compared] = []
    unseen: Difference | None = None  # the first that is in no digit that is shown
    for one in compared:
        if one.differs:
            found = Difference(len(seen), one.agreement, one.lines())
            if found.lines is not None:
                return found
            unseen = unseen or found
        seen.append(one)
    for one in seen if kinds_matter else ():
        lines = one.lines(kinds) if one.differs_in_kind else None
        if lines is not None:
            return Difference(len(seen), 1.0, lines)
    return unseen


def from_the_nearest(differences: Iterable[Difference | None]) -> Lines | None:
    """Of the differences from several right answers, that from the nearest one, which agrees
    longest and then in most numbers; None where one of them agrees wholly.
    """
    found = []
    for one in differences:
        if one is None:
            return None
        if one.lines is not None:
            found.append(one)
    return max(found, key=lambda one: one[:2]).lines if found else None


def refuse_kinds(messages: Sequence[str]) -> bool:
    """Whether checks that failed say that they refuse the kind of a result."""
    return any(re.search(says, one) for says in REFUSED for one in messages)


# --- properties of a right answer -----------------------------------------------------------------


class Ended(Exception):
    """A call that a property makes did not return."""


class OutOfTime(Exception):
    """What a function may use on its ladder is used up."""


def lacking(
    properties: Sequence[Callable[..., str]],
    given: Any,
    arguments: Mapping[str, Any],
    again: Callable[..., Any],
) -> str:
    """What of the properties of a right answer a reply lacks, in words; "" where it lacks none.

    arguments: those of the call, by name
    again: makes the call another time, with some of them changed; raises Ended, OutOfTime
    """
    if given.outcome != "returned":
        return summary(properties[0])
    if not alike(tuple(given.arguments), tuple(arguments.values())[: len(given.arguments)]):
        return f"leaves its arguments as they were (they are {shown(given.arguments)} now)"
    for holds in properties:
        try:
            wanted = holds(given.value, dict(arguments), again)
        except Ended as error:
            wanted = str(error)
        except OutOfTime:
            return ""
        except Exception:  # a result of a kind that it cannot look into
            wanted = summary(holds)
        if wanted:
            return wanted
    return ""


def summary(function: Callable[..., Any]) -> str:
    """The first line of a docstring, without its full stop."""
    return (function.__doc__ or "").strip().splitlines()[0].rstrip(".")


# --- starts ---------------------------------------------------------------------------------------


def odd_start(
    starts: Sequence[tuple[str, Sequence[torch.Tensor]]],
    draw: Any,
    again: Callable[[int], Sequence[torch.Tensor]],
) -> Lines | None:
    """A start outside the interval of what should draw it, or with all numbers alike, or the same
    after every seed.

    starts: the calls that ask for one, and what each gave
    draw: has a draw (its name), a low and a high
    again: gives one of these starts, by its place, after another seed
    """
    order = sorted(range(len(starts)), key=lambda place: sum(t.numel() for t in starts[place][1]))
    for place in order:
        call, start = starts[place]
        if start and _is_odd(torch.cat([t.flatten() for t in start]), draw):
            right = f"as {draw.draw} draws them, all over {draw.low:g} to {draw.high:g}"
            return Lines(call, "", shown(tuple(start)), right)
    if not order:  # the first call already has no end
        return None
    call, start = starts[order[-1]]
    if not start or not equal(start, again(order[-1])):
        return None
    seeds = f"{call} after torch.manual_seed({SEED}) and after torch.manual_seed({SEED + 1})"
    return Lines(seeds, "", "the same numbers both times", "other numbers each time")


def _is_odd(numbers: torch.Tensor, draw: Any) -> bool:
    """Whether `draw` cannot have given these: outside its interval, all alike, or, of many, none in
    one half of it.
    """
    middle = (draw.low + draw.high) / 2
    inside = bool(((numbers >= draw.low) & (numbers < draw.high)).all())
    alike = len(numbers) > 2 and bool((numbers == numbers[0]).all())
    half = len(numbers) >= 12 and bool((numbers < middle).all() or (numbers > middle).all())
    return not inside or alike or half


def equal(ones: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> bool:
    """Whether two starts are the same to the last bit."""
    return len(ones) == len(others) and all(map(torch.equal, ones, others))


def tensors_of(value: Any) -> list[torch.Tensor]:
    """The tensors of floats among what a call returned, in order."""
    parts = value if isinstance(value, tuple | list) else (value,)
    return [p for p in parts if isinstance(p, torch.Tensor) and p.is_floating_point()]


# --- what is shown --------------------------------------------------------------------------------


def shown(value: Any, digits: int = DIGITS) -> str:
    """A value as one line that a student reads."""
    if isinstance(value, torch.Tensor):
        if not 0 < value.numel() <= SHOWN_NUMBERS:  # rows of nothing may be as many as one likes
            return f"a tensor of shape {tuple(value.shape)}"
        return _listed(value.tolist(), digits)
    if isinstance(value, tuple | list):
        parts = [shown(part, digits) for part in value[:SHOWN_NUMBERS]]
        rest = ", ..." if len(value) > SHOWN_NUMBERS else ""
        opening, closing = "()" if isinstance(value, tuple) else "[]"
        return _cut(f"{opening}{', '.join(parts)}{rest}{closing}")
    if isinstance(value, str):
        return _cut(repr(value))
    return _listed(value, digits) if isinstance(value, float) else _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."


def _listed(value: Any, digits: int) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_listed(part, digits) for part in value)}]"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def told(reply: Any, digits: int = DIGITS) -> str:
    """How a call ended, as one line that a student reads."""
    if reply.outcome == "returned":
        return shown(reply.value, digits)
    if reply.outcome == "raised":
        return _cut(f"raised {reply.message}")
    return str(reply.outcome).replace("_", " ")


def kinds(reply: Any, digits: int = DIGITS) -> str:
    """How a call ended, with the kinds of its parts."""
    parts = reply.value if isinstance(reply.value, tuple) else (reply.value,)
    return f"{told(reply, digits)} ({', '.join(map(_kind, parts))})"


def _kind(value: object) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, list) and len(inside := {_kind(item) for item in value}) == 1:
        return f"a list, each {inside.pop()}"
    return type(value).__name__
