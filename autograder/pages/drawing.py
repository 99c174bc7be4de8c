"""Charts as SVG text: a student's curve, the curves of a class, a distribution.

A chart is some lines and a few words, so it is written here by hand: a hundredth of what a plotting
library's SVG takes in bytes and time, and it follows the page's colours, in the dark and in print.
Colours are in the style sheet, by class.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from autograder.results import Curve

WIDTH, HEIGHT = 480, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 10, 12, 40
SMALLEST = 1e-12  # of a loss on a logarithmic axis, relative to the largest
LARGEST = 1e100  # of a loss on an axis: what is above it, as far as floats go, is at its top


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis of losses, from `low` to `high`, both above 0."""

    low: float
    high: float

    @classmethod
    def over(cls, values: Iterable[float | None]) -> Axis:
        """One that shows all of some losses that are above 0, and no larger than any loss is."""
        positive = [value for value in values if value is not None and 0 < value <= LARGEST]
        high = max(positive, default=1.0)
        low = max(min(positive, default=0.1), SMALLEST * high)
        return cls(low / 1.25, max(high * 1.25, low * 2))

    def at(self, value: float) -> float:
        """Where a loss is, in the picture's units; what is below it, 0 too, is at its foot."""
        value = min(max(value, self.low), self.high)
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def ticks(self) -> list[float]:
        """Powers of ten on it; its ends where there are fewer than two."""
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        step = max(1, (last - first) // 4)
        powers = [10.0**power for power in range(first, last + 1, step)]
        return powers if len(powers) > 1 else [self.low, self.high]


def across(place: int, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * place / max(1, count - 1)


def points(values: Sequence[float | None], axis: Axis) -> list[tuple[float, float]]:
    """Where the known ones of some losses are, which are spread evenly over the run."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    return [(across(place, len(values)), axis.at(value)) for place, value in known]


def line(places: Sequence[tuple[float, float]], kind: str, title: str, *, whole: bool) -> str:
    """A line through places, or the places alone where what lies between them is not known."""
    told = f"<title>{escape(title)}</title>" if title else ""
    if not whole:
        spots = (f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places)
        return f"<g>{told}{''.join(spots)}</g>"
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline class="{kind}" points="{joined}">{told}</polyline>'


def is_whole(values: Sequence[float | None]) -> bool:
    """Whether a run was measured from its start on, up to where it may have left all numbers."""
    known = [value is not None for value in values]
    return known == sorted(known, reverse=True)


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def frame(inside: str, label: str, height: int = HEIGHT) -> Markup:
    """A picture of a chart. label: what it says, in words"""
    said = f'role="img" aria-label="{escape(label)}"'
    return Markup(f'<svg viewBox="0 0 {WIDTH} {height}" {said}>{inside}</svg>')


def axes(axis: Axis, below: str) -> str:
    """The lines and numbers around curves."""
    foot, end = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<path class="axis" d="M{LEFT} {TOP}V{foot}H{end}"/>']
    for tick in axis.ticks():
        y = axis.at(tick)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{end}"/>')
        parts.append(text(LEFT - 6, y + 4, f"{tick:.2g}", "end"))
    parts.append(text((LEFT + end) / 2, HEIGHT - 6, below, "middle"))
    return "".join(parts)


def floor_line(floor: float | None, axis: Axis) -> str:
    """The smallest loss that is possible, as a line across the picture."""
    if floor is None:
        return ""
    y = axis.at(floor)
    words = f"smallest possible: {floor:.3g}" + (" (below the picture)" if floor < axis.low else "")
    drawn = f'<path class="floor" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
    return drawn + text(LEFT + 6, y - 6, words)


def along(curve: Curve) -> str:
    """What goes from left to right, in words."""
    return (
        f"{curve.steps} steps, from first to last"
        if curve.steps
        else "from the start to the end of the run"
    )


def curve_chart(curve: Curve, owner: str = "yours") -> Markup:
    """A submission's losses beside the rule's, on the smallest that is possible."""
    axis = Axis.over([*curve.yours, *curve.reference, curve.floor])
    drawn = axes(axis, along(curve)) + floor_line(curve.floor, axis)
    if curve.reference:
        rule = points(curve.reference, axis)
        drawn += line(rule, "ref", "the rule, from the same start", whole=is_whole(curve.reference))
    drawn += line(points(curve.yours, axis), "you", owner, whole=is_whole(curve.yours))
    return frame(drawn, in_words(curve, owner))


def in_words(curve: Curve, owner: str = "yours") -> str:
    """What a curve's picture shows."""
    known = [value for value in curve.yours if value is not None]
    told = f"{curve.name}: {owner} went from {known[0]:.3g} to {known[-1]:.3g}"
    told += ", and then to no number" if curve.yours[-1] is None else ""
    last = next((value for value in reversed(curve.reference) if value is not None), None)
    told += f"; the rule ends at {last:.3g}" if last is not None else ""
    return told + (
        f"; the smallest possible is {curve.floor:.3g}" if curve.floor is not None else ""
    )


# --- a class --------------------------------------------------------------------------------------


def class_chart(curves: Sequence[tuple[Curve, str]], outlying: set[int]) -> Markup:
    """The curves of a class on one floor; equal ones are drawn once. outlying: the places in
    `curves` of those to be seen first
    """
    every = [curve for curve, _ in curves]
    # a diverging curve leaves the picture at the top, in place of flattening all others; so does
    # one that begins there, whose student made its history up
    starts = [start for curve in every if (start := curve.yours[0]) is not None and start > 0]
    roof = 30 * (statistics.median_low(starts) if starts else 1.0)
    shown = [v for curve in every for v in (*curve.yours, *curve.reference) if v and v <= roof]
    floors = Counter(curve.floor for curve in every if curve.floor is not None)
    floor = floors.most_common(1)[0][0] if floors else None
    axis = Axis.over([*shown, floor])
    drawn = axes(axis, along(every[0])) + floor_line(floor, axis)
    rule = next((curve.reference for curve in every if curve.reference), ())
    if rule:
        drawn += line(points(rule, axis), "ref", "the rule", whole=is_whole(rule))
    together: dict[tuple[tuple[tuple[float, float], ...], bool], list[str]] = {}
    for place, (curve, name) in enumerate(curves):
        where = tuple((round(x, 1), round(y, 1)) for x, y in points(curve.yours, axis))
        together.setdefault((where, place in outlying), []).append(name)
    whole = is_whole(every[0].yours)
    for (where, outlier), names in sorted(together.items(), key=lambda item: item[0][1]):
        told = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        drawn += line(where, "out" if outlier else "one", told, whole=whole)
    label = (
        f"{every[0].name}: {len(every)} submissions, {len(outlying)} of them apart from the others"
    )
    return frame(drawn, label)


def histogram(shares: Sequence[float], maximum: float) -> Markup:
    """How many have how much of `maximum` points, in ten bars."""
    bars = Counter(min(9, int(10 * share + 1e-9)) for share in shares)
    most, height = max(bars.values(), default=1), 170
    wide = (WIDTH - LEFT - RIGHT) / 10
    foot = height - BOTTOM
    parts = [f'<path class="axis" d="M{LEFT} {foot}H{WIDTH - RIGHT}"/>']
    for place in range(10):
        x, tall = LEFT + place * wide, (foot - TOP - 14) * bars[place] / most
        place_and_size = f'x="{x + 3:.1f}" y="{foot - tall:.1f}" width="{wide - 6:.1f}"'
        parts.append(f'<rect class="bar" {place_and_size} height="{tall:.1f}"/>')
        if bars[place]:
            parts.append(text(x + wide / 2, foot - tall - 4, str(bars[place]), "middle"))
    parts += [
        text(LEFT + wide * tenth, foot + 16, f"{maximum * tenth / 10:g}", "middle")
        for tenth in range(0, 11, 2)
    ]
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, height - 4, "points", "middle"))
    told = ", ".join(f"{bars[place]} from {place * 10} %" for place in range(10) if bars[place])
    return frame("".join(parts), f"Distribution of points: {told}", height)
