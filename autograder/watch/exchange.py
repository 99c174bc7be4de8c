"""What students hand in through nbgrader's exchange, collected as it comes, and their pages given
back.

    <exchange>/<course id>/inbound/<student>+<assignment>+<time>+<random>/

`nbgrader submit` copies into such a folder file by file, and lays `submission_secret.txt` last; a
folder is collected when that is there. nbgrader's own collector copies, elsewhere in the course
first, so that a kill leaves no half in `submitted/`.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from autograder.course import Course, put_in_place
from autograder.errors import AutograderError, UsageError
from autograder.gradebook.commands import run_nbgrader
from autograder.gradebook.timestamps import SECRET, TIMESTAMP, small_text

STEP = "watch/collected"
RETRY = 60.0  # seconds until what could not be collected is tried again


class Exchange:
    """A course's exchange. UsageError where the course has no name there.

    say: called with a line for whoever looks at the terminal
    """

    def __init__(self, course: Course, slugs: list[str], say: Callable[[str], None]) -> None:
        self.course, self.slugs, self.say = course, slugs, say
        if not course.settings.course_id:
            mend = 'Add a line such as course_id = "la-2027" to course.toml.'
            raise UsageError(f"an exchange needs the course's name. {mend}")
        self.inbound = Path(course.settings.exchange) / course.settings.course_id / "inbound"
        self._done: set[str] = set()
        self._later: dict[str, float] = {}

    def collect(self) -> None:
        """Collect what is new and whole."""
        for (student, slug), name in sorted(self._newest().items()):
            if name in self._done or self._later.get(name, 0.0) > time.monotonic():
                continue
            if self._is_collected(student, slug, name):
                self._done.add(name)
            elif small_text(self.inbound / name / SECRET):
                self._collect(student, slug, name)

    def _newest(self) -> dict[tuple[str, str], str]:
        """The latest folder of each student, for each assignment that is watched. Where some are
        the account's of that name, only those count.
        """
        from autograder.gradebook.exchange import is_of, told_by

        newest: dict[tuple[str, str], tuple[bool, datetime, str]] = {}
        try:
            names = os.listdir(self.inbound)
        except OSError:
            return {}
        for name in names:
            told = told_by(self.inbound / name)
            if told is not None and told[1] in self.slugs:
                found = is_of(self.inbound / name, told[0]), told[2], name
                newest[told[:2]] = max(newest.get(told[:2], found), found)
        return {key: name for key, (_, _, name) in newest.items()}

    def _is_collected(self, student: str, slug: str, name: str) -> bool:
        moment = small_text(self.course.submitted / student / slug / TIMESTAMP)
        return moment is not None and moment == name.rsplit("+", 3)[2]

    def _collect(self, student: str, slug: str, name: str) -> None:
        there = self.course.work / STEP / student / slug
        asked = {"submitted_directory": STEP, "student_id": glob.escape(student)}
        try:
            run_nbgrader(self.course, "collect", slug, update=True, directories=asked)
            if not small_text(there / SECRET):  # which lay there, so the copy broke off
                raise AutograderError("it could not be copied whole")
            put_in_place(there, self.course.submitted / student / slug)
        except (AutograderError, OSError) as error:
            self.say(f"{student}, {slug}: not collected ({error}); tried again in {RETRY:g} s")
            self._later[name] = time.monotonic() + RETRY
            return
        self._done.add(name)
        self.say(f"{student}, {slug}: collected from the exchange")

    def release(self, slug: str, student: str) -> None:
        """Give a student's page back, if the work came through the exchange."""
        run_nbgrader(self.course, "release_feedback", slug, glob.escape(student))
