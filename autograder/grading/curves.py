"""What a check lets people see of a run of losses: few numbers, kept with the check's result.

A check names a run with the fixture `picture`. The numbers come from a student's function, and
those of a hidden check from inputs that are not for the student to know; so they are thinned,
rounded, and of a hidden check relative to the first one, without the number of steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from autograder.results import Curve

POINTS = 40  # of a curve, its ends included
DIGITS = 4  # significant ones, of a loss
HIDDEN_DIGITS = 2  # the same of a hidden check: what a picture on a page can show
NAME_CHARACTERS = 120


class Picture:
    """The fixture `picture` while grading: nothing is drawn, and the last curve is kept."""

    def __init__(self, *, hidden: bool) -> None:
        self.kept: Curve | None = None
        self._hidden = hidden

    def compare(self, *, yours: Any, expected: Any, name: str) -> None:
        """A matrix or a vector beside what it should be, and the difference: not kept."""

    def curve(
        self, *, yours: Any, reference: Any = None, floor: float | None = None, name: str
    ) -> None:
        """A history of losses beside the reference's and the smallest that is possible. None in it
        is a loss that nobody has measured.
        """
        with suppress(Exception):  # a picture is never the reason why a check fails
            steps = 0 if self._hidden else len(yours)
            losses, others = thinned(yours), thinned(() if reference is None else reference)
            curve = Curve(name[:NAME_CHARACTERS], steps, losses, others, number(floor))
            if sum(value is not None for value in losses) > 1:  # a point is no curve
                self.kept = scaled(curve) if self._hidden else rounded(curve, 1.0, DIGITS)


def thinned(values: Sequence[Any]) -> tuple[float | None, ...]:
    """No more than `POINTS` of some values, evenly spread, the first and the last among them."""
    count = len(values)
    if count <= POINTS:
        return tuple(map(number, values))
    places = [round(place * (count - 1) / (POINTS - 1)) for place in range(POINTS)]
    return tuple(number(values[place]) for place in places)


def number(value: Any) -> float | None:
    """A finite number as a float, also of a tensor with one element; None for anything else."""
    if isinstance(value, str | bytes | bool):
        return None
    try:
        found = float(value)
    except Exception:  # whatever stands in a student's list
        return None
    return found if math.isfinite(found) else None


def scaled(curve: Curve) -> Curve:
    """A curve in units of its first loss, as coarse as a picture is."""
    first = next((value for value in (*curve.reference, *curve.yours) if value), None)
    return rounded(curve, abs(first) if first else 1.0, HIDDEN_DIGITS)


def rounded(curve: Curve, unit: float, digits: int) -> Curve:
    """A curve in some unit, to so many significant digits."""

    def few(value: float | None) -> float | None:
        return None if value is None else number(float(f"{value / unit:.{digits}g}"))

    return Curve(
        curve.name,
        curve.steps,
        tuple(few(value) for value in curve.yours),
        tuple(few(value) for value in curve.reference),
        few(curve.floor),
    )
