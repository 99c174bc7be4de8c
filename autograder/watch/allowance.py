"""How many versions of a student's work are graded, and when the next one is: a token bucket.

A grader that answers at once is a debugger. So a student has a few versions graded as they come,
then one in so many minutes; what comes faster waits, and of what waits the latest counts.

The bucket is one number, the time at which it is full again (the generic cell rate algorithm): it
says everything, survives a restart as it stands, and a change of the settings holds at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from autograder.course import SETTINGS, Course
from autograder.errors import AuthoringError


@dataclass(frozen=True)
class Allowance:
    """What `[watch]` in course.toml allows each student, for each assignment.

    burst: versions that are graded at once, at least 1
    minutes: after those, one version in so many minutes; 0: as many as come
    """

    burst: int = 3
    minutes: float = 60.0

    @classmethod
    def of(cls, course: Course) -> Allowance:
        """The course's; AuthoringError where course.toml says something else than numbers."""
        where, given = course.root / SETTINGS, course.settings.watch
        known = {item.name: item for item in fields(cls)}
        if unknown := sorted(given.keys() - known.keys()):
            mend = f"Known are {', '.join(known)}."
            raise AuthoringError(where, f"has unknown settings of watch {', '.join(unknown)}", mend)
        for name, value in given.items():
            check_number(where, name, value)
        return cls(**given)

    @property
    def seconds(self) -> float:
        """Seconds in which one token comes back."""
        return 60.0 * self.minutes

    def bounded(self, full_at: float, now: float) -> float:
        """A time at which a bucket is full that can be one: a clock that was set back, or a smaller
        allowance, locks nobody out.
        """
        return min(full_at, now + self.burst * self.seconds)

    def opens_at(self, full_at: float, now: float) -> float:
        """When the next version may be graded, in seconds since the epoch; in the past: now."""
        return self.bounded(full_at, now) - (self.burst - 1) * self.seconds

    def left(self, full_at: float, now: float) -> int:
        """How many versions may be graded at once, now."""
        if self.seconds == 0:
            return self.burst
        missing = max(0.0, self.bounded(full_at, now) - now) / self.seconds
        return max(0, self.burst - math.ceil(missing - 1e-9))

    def take(self, full_at: float, now: float) -> float:
        """When a bucket of which a token is taken now is full again."""
        return max(self.bounded(full_at, now), now) + self.seconds


def check_number(where: object, name: str, value: Any) -> None:
    """AuthoringError where a setting of `[watch]` is no number that it can be."""
    wanted = "a whole number, at least 1" if name == "burst" else "a number of minutes, 0 or more"
    good = type(value) is int and value >= 1
    if name == "minutes":
        good = type(value) in (int, float) and 0 <= value < 60 * 24 * 366
    if not good:
        raise AuthoringError(where, f"has {name} = {value!r} in [watch]", f"It is {wanted}.")
