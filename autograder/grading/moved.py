"""Whose points moved when submissions were graded anew, by how much, and by which checks: what
`grade --diff` prints, and what the class page shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autograder.results import Result

EQUAL = 1e-9  # points
FAULT = "grader_error"  # says nothing of anybody's points


@dataclass(frozen=True)
class Move:
    """A check that gives other points. how: how it ended before and now, "" where alike"""

    check: str
    difference: float
    how: str

    def __str__(self) -> str:
        return f"{self.check} {self.difference:+g}{f' ({self.how})' if self.how else ''}"


@dataclass(frozen=True)
class Moved:
    """A submission whose checks give other points than before. result: of now"""

    result: Result
    before: float
    moves: tuple[Move, ...]

    @property
    def difference(self) -> float:
        return self.result.score - self.before


@dataclass(frozen=True)
class Changes:
    """What a grading changed. count: of submissions; new: of those that had no result before;
    unknown: of those that the grader could not grade, before or now

    moved: those who lost most first; checks: how many gained and lost by each, and the points of
        all together
    """

    count: int
    new: int
    unknown: int
    moved: tuple[Moved, ...]
    checks: dict[str, tuple[int, int, float]]

    @property
    def others(self) -> int:
        """How many have another sum than before; of the rest of `moved`, checks balance."""
        return sum(abs(one.difference) > EQUAL for one in self.moved)


def changes(pairs: Iterable[tuple[Result | None, Result]]) -> Changes:
    """What differs. pairs: the result before, None where there was none, and the result of now"""
    listed = list(pairs)
    known = [pair for pair in listed if not any(one and one.status == FAULT for one in pair)]
    moved = []
    for old, new in known:
        moves = moves_of(old, new) if old is not None else ()
        if old is not None and moves:
            moved.append(Moved(new, old.score, moves))
    by_check: dict[str, list[float]] = {}
    for one in moved:
        for move in one.moves:
            by_check.setdefault(move.check, []).append(move.difference)
    told = {
        check: (sum(d > 0 for d in all_), sum(d < 0 for d in all_), round(sum(all_), 6))
        for check, all_ in by_check.items()
    }
    moved.sort(key=lambda one: (one.difference, one.result.student or one.result.submission))
    fresh = sum(old is None for old, _ in known)
    return Changes(len(listed), fresh, len(listed) - len(known), tuple(moved), told)


def moves_of(old: Result, new: Result) -> tuple[Move, ...]:
    """The checks whose points differ between two results of one submission."""
    before = {check.name: check for check in old.tests}
    after = {check.name: check for check in new.tests}
    found = []
    for name in dict.fromkeys((*after, *before)):
        one, other = before.get(name), after.get(name)
        difference = (other.earned if other else 0.0) - (one.earned if one else 0.0)
        if abs(difference) > EQUAL:
            was = one.outcome if one else "not there"
            ended = other.outcome if other else new.status if not new.tests else "not there"
            how = f"{was} -> {ended}" if was != ended else ""
            found.append(Move(name, round(difference, 6), how))
    return tuple(found)
