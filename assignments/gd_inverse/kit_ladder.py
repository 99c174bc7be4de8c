"""The smallest example that fails: a call so small that you can do it by hand, with what your
function gave and what is right.

ladder.json has tiny inputs of each function, the smallest first, and what is right there from
where torch.rand starts after torch.manual_seed(0), in whichever order your function draws. Where
right answers give different results, ladder_properties.py says what they have in common. The grader
shows the same examples, and knows what is right from any other start as well.
"""

from __future__ import annotations

import json
import runpy
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch

if __package__:  # `autograder check` loads these files out of its package
    from autograder.grading import smallest
    from autograder.grading.smallest import CPU_SECONDS, SEED, Compared, Ended, Lines, OutOfTime

    from .kit_student import Student, Verdict, words_of
else:
    import kit_smallest as smallest  # type: ignore[no-redef]
    from kit_smallest import (  # type: ignore[no-redef]
        CPU_SECONDS,
        SEED,
        Compared,
        Ended,
        Lines,
        OutOfTime,
    )
    from kit_student import Student, Verdict, words_of  # type: ignore[no-redef]

LADDER, PROPERTIES = "ladder.json", "ladder_properties.py"
SECONDS = 3 * CPU_SECONDS  # a laptop may be slower, and the first call loads what it uses
KEPT = 12  # losses at either end of a long list, and more than that is not compared
NEAR = 1e-5  # between two starts that are the same


@dataclass(frozen=True)
class Reply:
    """How a call ended, in the form in which replies are compared."""

    outcome: str
    header: dict[str, Any]
    value: Any = None
    arguments: tuple = ()
    gradients: tuple = ()

    @property
    def message(self) -> str:
        """The kind of an exception, and its words."""
        return ": ".join(filter(None, (self.header.get("type"), self.header.get("message"))))


class Draw(NamedTuple):
    """What starts are drawn with: its name, and the interval of its numbers."""

    draw: str
    low: float
    high: float


@dataclass
class Ladder:
    """A function of yours on its ladder.

    kinds_matter: whether a check refuses the kind of what it was given
    begun: when it was first asked
    """

    student: Student
    function: str
    read: dict[str, Any]
    properties: dict[str, Callable[..., str]]
    kinds_matter: bool
    begun: float = field(default_factory=time.process_time)

    def smallest(self) -> Lines | None:
        """The first rung on which the function differs from what is right; None where it differs on
        none, or where that cannot be said within a second.
        """
        rungs = self.read["functions"].get(self.function, [])
        asked = [rung for rung in map(self.ask, (r for r in rungs if not r["long"])) if rung]
        found = self.differs(asked) or self.odd_start(asked) or self.elsewhere(asked)
        for rung in rungs if found is None else ():
            one = self.ask(rung) if rung["long"] else None
            found = found or (self.differs([one]) if one else None)
        return found

    # --- calls ------------------------------------------------------------------------------------

    def call(self, rung: dict[str, Any], seed: int = SEED, **changed: Any) -> Reply:
        """How the call of a rung ends, with some arguments changed."""
        given = {**arguments_of(rung), **changed}
        places = [given.pop(name) for name in rung["placed"]]
        try:
            called = self.student.seeded(seed).call(self.function, *places, **given)
        except Verdict as verdict:
            header = {"type": verdict.error_types[0] if verdict.error_types else None}
            header["message"] = words_of(verdict.__cause__) if verdict.__cause__ else str(verdict)
            return Reply(verdict.outcome, header)
        pairs = zip(places, called.arguments, strict=True)
        after = tuple(one if callable(one) else left for one, left in pairs)
        return Reply("returned", {}, called.value, after)

    def ask(self, rung: dict[str, Any]) -> Asked | None:
        """A rung with what the function gives there and from where; None where time is up."""
        if time.process_time() - self.begun > SECONDS:
            return None
        given, start = self.call(rung), []
        if rung["still"]:
            start = smallest.tensors_of(self.call(rung, **self.read["start"]["options"]).value)
        return Asked(rung, given, start)

    # --- what is told -----------------------------------------------------------------------------

    def differs(self, asked: list[Asked]) -> Lines | None:
        """In the eyes of the nearest right answer; None where it agrees with one of them."""
        bases = (self.compared(asked, base) for base in range(self.read["bases"]))
        return smallest.from_the_nearest(
            smallest.first_difference(base, self.kinds_matter) for base in bases
        )

    def compared(self, asked: list[Asked], base: int) -> Iterator[Compared]:
        """Each rung with what is right there, where that is known."""
        for one in asked:
            rung = one.rung
            if rung["right"]:
                holds = [self.properties[name] for name in rung["right"]]
                given = arguments_of(rung)
                wanted = smallest.lacking(holds, one.given, given, self.again(one))
                yield Compared(rung["call"], one.start, one.given, None, wanted)
                continue
            shapes = [t.shape for t in one.start]
            for start, replies in ways_of(rung):
                if not rung["still"] or shapes != [t.shape for t in start]:
                    yield compared(one, [], replies[base])
                    break
                if all(map(near, one.start, start)):
                    yield compared(one, one.start, replies[base])
                    break

    def again(self, one: Asked) -> Callable[..., Any]:
        """Makes a call another time, with some of its arguments changed."""

        def again(seed: int = SEED, **changed: Any) -> Any:
            if not changed and seed == SEED:
                return one.given.value
            if time.process_time() - self.begun > SECONDS:
                raise OutOfTime
            reply = self.call(one.rung, seed, **changed)
            if reply.outcome != "returned":
                raise Ended(f"a result after {changed} as well, which {smallest.told(reply)}")
            return reply.value

        return again

    def odd_start(self, asked: list[Asked]) -> Lines | None:
        if self.read["start"] is None:
            return None
        start = self.read["start"]
        draw = Draw(start["draw"], *start["interval"])
        starts = [(one.rung["still"], one.start) for one in asked if one.rung["still"]]
        places = [one.rung for one in asked if one.rung["still"]]

        def again(place: int) -> list[torch.Tensor]:
            return smallest.tensors_of(self.call(places[place], SEED + 1, **start["options"]).value)

        return smallest.odd_start(starts, draw, again)

    def elsewhere(self, asked: list[Asked]) -> Lines | None:
        """The first rung where the function starts from other numbers than torch.rand gives: what
        is right from there is not in ladder.json.
        """
        for one in asked:
            ways = ways_of(one.rung) if not one.rung["right"] and one.start else []
            if ways and not any(all(map(near, one.start, start)) for start, _ in ways):
                usual, replies = ways[0]
                right = (
                    f"{smallest.told(replies[0])}, started at {smallest.shown(tuple(usual))}, "
                    f"which {self.read['start']['draw']} gives; what is right from where it "
                    "started is not known here"
                )
                start = smallest.shown(tuple(one.start))
                return Lines(one.rung["call"], start, smallest.told(one.given), right)
        return None


class Asked(NamedTuple):
    """A rung, how the call ended, and from where the function started."""

    rung: dict[str, Any]
    given: Reply
    start: list[torch.Tensor]


def smallest_example(
    folder: Path, student: Student, function: str, messages: Iterable[str]
) -> Lines | None:
    """The smallest example on which a function differs; None where there is none, or no ladder in
    this folder. messages: what the checks say that it failed
    """
    file = folder / LADDER
    if not file.is_file():
        return None
    properties: dict[str, Any] = {}
    if (folder / PROPERTIES).is_file():
        properties = runpy.run_path(str(folder / PROPERTIES), run_name="properties")
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
        kinds_matter = smallest.refuse_kinds(messages)
        return Ladder(student, function, read, properties, kinds_matter).smallest()
    except (ValueError, KeyError, TypeError, IndexError):  # a file that is not as it came
        return None


# --- ladder.json ----------------------------------------------------------------------------------


def arguments_of(rung: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a rung's call, by name."""
    return {name: decoded(value) for name, value in rung["arguments"].items()}


def ways_of(rung: dict[str, Any]) -> list[tuple[list[torch.Tensor], list[Reply]]]:
    """The ways to start, and what each right answer gives from there; the usual one first."""
    given = tuple(decoded(rung["arguments"][name]) for name in rung["placed"])
    ways = []
    for way in rung["ways"]:
        replies = [reply_of(reply, given) for reply in way["replies"]]
        ways.append(([decoded(tensor) for tensor in way["start"]], replies))
    return ways


def reply_of(read: dict[str, Any], given: tuple) -> Reply:
    if "raised" in read:
        return Reply("raised", {"type": read["raised"]})
    return Reply("returned", {}, decoded(read["returned"]), given)


def compared(one: Asked, start: list[torch.Tensor], right: Reply) -> Compared:
    """A rung and what is right there; of long lists the ends alone are known."""
    return Compared(one.rung["call"], start, shortened(one.given), right)


def shortened(reply: Reply) -> Reply:
    """A reply as ladder.json keeps it: of long lists of numbers both ends, and the length."""
    value = reply.value
    if isinstance(value, tuple | list):
        parts = [short(part) for part in value]
        value = tuple(parts) if isinstance(value, tuple) else parts
    return Reply(reply.outcome, reply.header, value, reply.arguments)


def short(value: Any) -> Any:
    if isinstance(value, list) and len(value) > 2 * KEPT:
        return [*value[:KEPT], *value[-KEPT:], float(len(value))]
    return value


def near(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one.double(), other.double(), atol=NEAR)


def encoded(value: Any) -> Any:
    """A value as JSON; decoded() reads it."""
    if isinstance(value, torch.Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        return {kind: rounded(value.tolist()), "shape": list(value.shape)}
    if isinstance(value, tuple):
        return {"tuple": [encoded(part) for part in value]}
    if isinstance(value, list):
        return [encoded(part) for part in value]
    return rounded(value)


def decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [decoded(part) for part in value]
    if not isinstance(value, dict):
        return value
    if "torch" in value:
        return getattr(torch, value["torch"])
    if "tuple" in value:
        return tuple(decoded(part) for part in value["tuple"])
    shape = value["shape"]
    kind = next(name for name in value if name != "shape")
    return torch.tensor(value[kind], dtype=getattr(torch, kind)).reshape(shape)


def rounded(value: Any) -> Any:
    """Numbers with seven digits: more than any comparison looks at."""
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value
