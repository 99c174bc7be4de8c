"""The staff's side of a course, watched: what is graded by must be what was loaded."""

from __future__ import annotations

import time
from contextlib import suppress

from autograder.assignment import Assignment, find_assignment
from autograder.course import SETTINGS, Course
from autograder.errors import AutograderError
from autograder.watch.arrivals import LOOK

STAFF_SETTLES = 5.0  # seconds for which a changed staff folder must stay as it is


class Changed(Exception):
    """A staff folder is not what it was: what was loaded of it is out of date."""


class Staff:
    """The staff's side as it was when the watch began."""

    def __init__(self, course: Course, assignments: list[Assignment]) -> None:
        self.course = course
        self.digests = {assignment.slug: assignment.digest for assignment in assignments}
        self.places = [assignment.folder for assignment in assignments]
        self.places += [assignment.notebook for assignment in assignments]  # as it is released
        self.places.append(course.root / SETTINGS)
        self.signature = self._signature()

    def unchanged(self) -> bool:
        """Whether nothing that may change a grade has changed."""
        signature = self._signature()
        if signature == self.signature:
            return True
        if self._now() != self.digests:
            return False
        self.signature = signature
        return True

    def wait(self) -> None:
        """Return when nothing has changed for a while, and everything holds together."""
        before, since = self._signature(), time.monotonic()
        while time.monotonic() - since < STAFF_SETTLES or self._now() is None:
            time.sleep(LOOK)
            if (signature := self._signature()) != before:
                before, since = signature, time.monotonic()

    def _now(self) -> dict[str, str] | None:
        try:
            return {slug: find_assignment(self.course, slug).digest for slug in self.digests}
        except (AutograderError, OSError):
            return None

    def _signature(self) -> list[tuple[str, int, int]]:
        signed = []
        for place in self.places:
            for path in sorted([place, *place.rglob("*")]):
                with suppress(OSError):
                    status = path.stat()
                    signed.append((str(path), status.st_mtime_ns, status.st_size))
        return signed
