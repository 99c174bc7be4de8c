"""What students hand in through nbgrader's exchange, collected as it comes, and their pages given
back.

    <exchange>/<course id>/inbound/<student>+<assignment>+<time>+<random>/

`nbgrader submit` copies into such a folder file by file, and lays `submission_secret.txt` last; a
folder is collected when that is there. nbgrader's own collector copies, elsewhere in the course
first, so that a kill leaves no half in `submitted/`. Each folder is collected once: what is mended
in `submitted/` afterwards stays until something newer comes.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from autograder.course import Course, put_in_place
from autograder.errors import AutograderError, UsageError
from autograder.gradebook.commands import run_nbgrader
from autograder.gradebook.timestamps import SECRET, small_text, timestamp_in
from autograder.watch.arrivals import Folder
from autograder.watch.ledger import Ledger, version_in

STEP = "watch/collected"
RETRY = 60.0  # seconds until what could not be collected is tried again


class Exchange:
    """A course's exchange. UsageError where the course has no name there.

    ledger: where it is kept what was collected
    say: called with a line for whoever looks at the terminal
    """

    def __init__(
        self, course: Course, slugs: list[str], ledger: Ledger, say: Callable[[str], None]
    ) -> None:
        self.course, self.slugs, self.ledger, self.say = course, slugs, ledger, say
        if not course.settings.course_id:
            mend = 'Add a line such as course_id = "la-2027" to course.toml.'
            raise UsageError(f"an exchange needs the course's name. {mend}")
        self.inbound = Path(course.settings.exchange) / course.settings.course_id / "inbound"
        self._done: set[str] = set()
        self._later: dict[str, float] = {}

    def collect(self) -> None:
        """Collect what is new and whole."""
        for (student, slug), (moment, name) in sorted(self._newest().items()):
            if name in self._done or self._later.get(name, 0.0) > time.monotonic():
                continue
            try:
                if self._stays(student, slug, moment, name):
                    self._done.add(name)
                elif small_text(self.inbound / name / SECRET):
                    self._collect(student, slug, name)
            except (AutograderError, OSError) as error:
                self.say(f"{student}, {slug}: not collected ({error}); tried again in {RETRY:g} s")
                self._later[name] = time.monotonic() + RETRY

    def _newest(self) -> dict[tuple[str, str], tuple[datetime, str]]:
        """Time and name of the latest folder of each student, for each assignment that is watched.
        Where some are the account's of that name, only those count.
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
        return {key: (moment, name) for key, (_, moment, name) in newest.items()}

    def _stays(self, student: str, slug: str, moment: datetime, name: str) -> bool:
        """Whether what lies in `submitted/` stays: it was collected from this folder, whatever
        became of it there; or somebody has laid it there with a later time.
        """
        place, before = self.course.submitted / student / slug, self._collected(student, slug)
        if before == name and place.is_dir():
            return True
        lies = timestamp_in(place)
        if lies == moment:
            self._note(student, slug, name)
            return True
        if lies is None or lies < moment or (before and self._came_as(before, place, slug)):
            return False
        self.say(f"{student}, {slug}: not collected, as what lies there is of a later time")
        return True

    def _came_as(self, before: str, place: Path, slug: str) -> bool:
        """Whether what lies in `place` has the time or the work of a folder that was collected: it
        is that version then, with the other mended, and gives way to any that goes before it.
        """
        came = self.inbound / before
        if timestamp_in(place) == timestamp_in(came):
            return True
        here, there = (version_in(Folder(path, "", slug)) for path in (place, came))
        return here.content == there.content

    def _collect(self, student: str, slug: str, name: str) -> None:
        there = self.course.work / STEP / student / slug
        asked = {"submitted_directory": STEP, "student_id": glob.escape(student)}
        run_nbgrader(self.course, "collect", slug, update=True, directories=asked)
        if not small_text(there / SECRET):  # which lay there, so the copy broke off
            raise AutograderError("it could not be copied whole")
        put_in_place(there, self.course.submitted / student / slug)
        self._note(student, slug, name)
        self._done.add(name)
        self.say(f"{student}, {slug}: collected from the exchange")

    def _collected(self, student: str, slug: str) -> str:
        """The name of the folder that was collected last of a student; "" where none was."""
        return self.ledger.account(slug, student).collected

    def _note(self, student: str, slug: str, name: str) -> None:
        account = self.ledger.account(slug, student)
        self.ledger.write(slug, replace(account, collected=name))

    def release(self, slug: str, student: str) -> None:
        """Give a student's page back, if the work came through the exchange."""
        run_nbgrader(self.course, "release_feedback", slug, glob.escape(student))
