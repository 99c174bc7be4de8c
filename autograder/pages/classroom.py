"""What a class did, from its results: which checks failed most, which mistakes are shared, who is
apart from the others. No HTML here.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from autograder.pages.gathering import Classroom, Student, excerpt
from autograder.results import Check, Curve, Diagnosis

SHOWN_CURVES = 4  # charts on a page, one a function
APART = 2.0  # how many times the class's middle a last loss must be to stand apart, or its inverse
SPREADS = 4.0  # and by how many times the class's own spread, in logarithms
FARTHEST = math.log(1e100)  # what is told of how far: a float can be farther than `exp` can say


@dataclass(frozen=True)
class Rate:
    """How many pass a check, of those who were graded."""

    check: Check
    passed: int
    count: int

    @property
    def share(self) -> float:
        return self.passed / self.count if self.count else 1.0


def rates(classroom: Classroom) -> list[Rate]:
    """The pass rate of each check, most failed first."""
    checks: dict[str, list[Check]] = {}
    for student in classroom.graded:
        for check in student.result.tests if student.result else ():
            checks.setdefault(check.name, []).append(check)
    found = [
        Rate(ended[0], sum(check.outcome == "passed" for check in ended), len(ended))
        for ended in checks.values()
    ]
    return sorted(found, key=lambda rate: (rate.share, -rate.check.points))


@dataclass(frozen=True)
class Shared:
    """A misconception and who has it. title: "" for code that behaves alike and that nobody can
    name; code: an excerpt of the first member's
    """

    title: str
    hint: str
    functions: tuple[str, ...]
    members: tuple[Student, ...]
    code: str


def misconceptions(classroom: Classroom, *, with_code: bool) -> list[Shared]:
    """Mistakes by how many share them; of those that nobody can name, what two or more share."""
    groups: dict[str, list[tuple[Student, Diagnosis]]] = {}
    for student in classroom.graded:
        for diagnosis in student.result.diagnosis if student.result else ():
            key = diagnosis.title or diagnosis.group
            if key:
                groups.setdefault(key, []).append((student, diagnosis))
    found = []
    for group in groups.values():
        members = tuple({student.id: student for student, _ in group}.values())
        first = group[0][1]
        functions = tuple(dict.fromkeys(diagnosis.function for _, diagnosis in group))
        if first.title or len(members) > 1:
            code = excerpt(members[0], first.function) if with_code else ""
            found.append(Shared(first.title, first.hint, functions, members, code))
    return sorted(found, key=lambda shared: (-len(shared.members), shared.title))


# --- convergence ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Convergence:
    """A run that every submission made in the same check. apart: the places in `runs` of those that
    ended elsewhere than the class, each with what it did
    """

    check: Check
    runs: tuple[tuple[Student, Curve], ...]
    apart: dict[int, str]


def convergences(classroom: Classroom) -> list[Convergence]:
    """Of each function, the run that tells most."""
    runs: dict[str, list[tuple[Student, Check]]] = {}
    for student in classroom.graded:
        for check in student.result.tests if student.result else ():
            if check.curve is not None:
                runs.setdefault(check.name, []).append((student, check))
    best: dict[str, list[tuple[Student, Check]]] = {}
    for made in runs.values():
        function = made[0][1].function
        if function not in best or _tells(made[0][1]) > _tells(best[function][0][1]):
            best[function] = made
    found = []
    for made in list(best.values())[:SHOWN_CURVES]:
        curves = [(student, check.curve) for student, check in made if check.curve is not None]
        found.append(Convergence(made[0][1], tuple(curves), apart([c for _, c in curves])))
    return found


def _tells(check: Check) -> tuple[bool, int]:
    curve = check.curve
    return (curve.floor is not None, len(curve.yours)) if curve else (False, 0)


def apart(curves: list[Curve]) -> dict[int, str]:
    """Whose run ended far from the class's middle, by its place, in words."""
    ends = {place: curve.yours[-1] for place, curve in enumerate(curves)}
    logs = {place: math.log(end) for place, end in ends.items() if end is not None and end > 0}
    found = {place: "left all numbers" for place, end in ends.items() if end is None}
    if not logs:
        return found
    middle = statistics.median(logs.values())
    spread = 1.4826 * statistics.median(abs(value - middle) for value in logs.values())
    for place, value in logs.items():
        if abs(value - middle) > max(math.log(APART), SPREADS * spread):
            times = math.exp(min(abs(value - middle), FARTHEST))
            side = "above" if value > middle else "below"
            found[place] = f"ended {times:.3g} times {side} the class’s middle"
    return found


# --- one sentence ---------------------------------------------------------------------------------


def lead(classroom: Classroom, failed: list[Rate], shared: list[Shared]) -> str:
    """What the class did not understand, in a sentence or two."""
    count = len(classroom.graded)
    if not count:
        return "Nothing has been graded yet."
    missed = [rate for rate in failed if rate.passed < rate.count]
    if not missed:
        return f"All {count} understood all of it: every check passed."
    worst = missed[0]
    told = f"{worst.count - worst.passed} of {worst.count} fail this: {sentence(worst.check.title)}"
    named = [one for one in shared if one.title]
    if named and len(named[0].members) > 1:
        who = f"{len(named[0].members)} students"
        told += f" The mistake that most share ({who}): {sentence(named[0].title)}"
    elif named:
        told += f" No known mistake is shared; {len(named)} have one each."
    return told


def sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def mean(values: Iterable[float]) -> float:
    """The mean, 0 of nothing."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
