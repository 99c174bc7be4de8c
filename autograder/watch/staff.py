"""The staff's side of a course, watched: what is graded by must be what was loaded."""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from autograder.assignment import Assignment, find_assignment
from autograder.course import SETTINGS, Course, Settings
from autograder.errors import AutograderError
from autograder.watch.allowance import Allowance
from autograder.watch.arrivals import LOOK

log = logging.getLogger(__name__)
STAFF_SETTLES = 5.0  # seconds for which a changed staff folder must stay as it is


class Changed(Exception):
    """The staff's side is not what it was: what was loaded of it is out of date."""


class Staff:
    """The staff's side as it was when the watch began."""

    def __init__(self, course: Course, assignments: list[Assignment]) -> None:
        self.course = course
        digests = {assignment.slug: assignment.digest for assignment in assignments}
        self.loaded = digests, course.settings
        self.places = [assignment.folder for assignment in assignments]
        self.places += [assignment.notebook for assignment in assignments]  # as it is released
        self.places.append(course.root / SETTINGS)
        self.signature: list[tuple[str, int, int]] | None = None  # of what is as it was loaded
        self.told = ""  # why it could not be loaded last

    def unchanged(self) -> bool:
        """Whether nothing that may change a grade, or how it is entered, has changed."""
        signature = self._signature()
        if signature == self.signature:
            return True
        if self._now() != self.loaded:
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

    def _now(self) -> tuple[dict[str, str], Settings] | None:
        """What would be loaded now; None where it does not hold together, which is told once."""
        course = Course(self.course.root)  # which reads its settings anew
        try:
            Allowance.of(course)
            digests = {slug: find_assignment(course, slug).digest for slug in self.loaded[0]}
            return digests, course.settings
        except (AutograderError, OSError) as error:
            if str(error) != self.told:
                log.warning("grading waits for the staff's side: %s", error)
                self.told = str(error)
            return None

    def _signature(self) -> list[tuple[str, int, int]]:
        signed = []
        for place in self.places:
            for path in sorted([place, *place.rglob("*")]):
                with suppress(OSError):
                    status = path.stat()
                    signed.append((str(path), status.st_mtime_ns, status.st_size))
        return signed
