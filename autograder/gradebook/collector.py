"""`nbgrader zip_collect` for the file names that learning platforms give.

Moodle        Ada Lovelace_123456_assignsubmission_file_halves.ipynb, or a folder of that name
Canvas        lovelaceada_LATE_4711_98765_halves-1.ipynb
Blackboard    Halves_ada7_attempt_2026-03-01-15-00-00_halves.ipynb
Brightspace   12345-67890 - Ada Lovelace - Mar 1, 2026 315 PM/halves.ipynb
Sakai         Lovelace, Ada(ada7)/Submission attachment(s)/halves.ipynb
ILIAS         Lovelace_Ada_ada7_12345/20260301150000_halves.ipynb

Where the name holds no name of nbgrader's, the student is looked up in the gradebook, by their
name; by the platform's number where nobody is called so, or several are, since one platform's
number is another's, too. Who is not there is collected under both. A pattern of the course's own,
`c.FileNameCollectorPlugin.named_regexp`, goes before.

What a platform writes comes first in a path, and what a student has named comes after it: a file
that is called like another platform's, or like another student's in an archive, is still theirs.

Where a platform says when a file was handed in, the latest counts: of whole attempts (Blackboard,
Brightspace) nothing of the others is collected, else of files of one name (ILIAS).
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any

from dateutil.parser import parse  # type: ignore[import-untyped]
from nbgrader.api import Gradebook
from nbgrader.plugins.zipcollect import ExtractorPlugin, FileNameCollectorPlugin

from autograder.course import Course
from autograder.gradebook.exchange import MAX_FILES
from autograder.gradebook.roster import in_one_form
from autograder.gradebook.unpacking import NoPlace, Room, TooLarge, unpack_archive

FILE = r"(?P<file>[^/]+)"
WITHIN = r"(?:[^/]*/(?:[^/]+/)*)?"  # folders that a student's archive had
WHO = r"[^/]+?"
PATTERNS = tuple(
    re.compile(rf"(?P<platform>{pattern}){WITHIN}{FILE}")
    for pattern in (
        rf"(?P<name>{WHO})_(?P<number>\d+)_assignsubmission_file_?",
        rf"{WHO}_(?P<user>[^/_]+)_attempt_(?P<attempt>\d{{4}}(?:-\d\d){{5}})_",
        rf"(?P<number>\d+)-\d+ - (?P<name>{WHO}) - (?P<attempt>[^/]+?)/",
        r"(?P<name>[^/]+, [^/]*)\((?P<user>[^/()]+)\)/",
        r"(?P<name>[^/]+_[^/]+)_(?P<user>[^/_]+)_\d+/(?:(?P<time>\d{14})_)?",
        r"(?P<name>[^/_]+)_(?:LATE_)?(?P<number>\d+)_\d+_",
    )
)
SAID = ("name", "user", "number", "time", "attempt", "file")
COPY = re.compile(r"(?:[-_ ]?\(\d+\)|-\d+| - Copy| copy)+$")  # what is added to a name
CLASS = 1000  # students whose room a platform's own archive has, of a whole class
MOST_FOLDERS = 8  # in which a platform's own folder is looked for
MOST_NESTED = 4  # archives within archives: there are some that hold themselves
USER = re.compile(r"[\w@][\w.@-]{0,120}")


class Archives(ExtractorPlugin):
    """nbgrader's extractor, whose run for the whole class no archive of a student's ends: neither a
    broken one, nor one that would fill the disk.
    """

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Lay in `extracted_path` what lies in `archive_path`, archives unpacked."""
        if not os.listdir(archive_path):
            self.log.warning("No files found in directory: %r", archive_path)
        files = sorted(file for file in Path(archive_path).rglob("*") if not file.is_dir())
        theirs = self._are_students([file.relative_to(archive_path) for file in files])
        for file in files:
            if file.is_symlink() or not file.is_file():
                # a copy of a link would be of what it names, which may be the staff's
                self.log.warning("Not collected, as it is no regular file: %r", str(file))
                continue
            place = file.relative_to(archive_path)
            folder = Path(extracted_path, place.parent)
            folder.mkdir(parents=True, exist_ok=True)
            if not self._is_archive(file):
                shutil.copy(file, folder / file.name)
            elif parts(place.as_posix()) is not None or theirs:
                self.unpack(file, folder, self._room())
            else:
                self.unpack(file, folder, self._room(CLASS), whole=True)

    def _is_archive(self, file: Path) -> bool:
        """Whether a file is one, by its name."""
        return file.suffix.casefold() in self.zip_ext

    def _are_students(self, places: list[Path]) -> bool:
        """Whether what lies there is a class's files one by one, by the names of a platform or a
        pattern of the course's own; an archive among them is a student's then, however called.
        """
        app: Any = self.parent
        named = app.collector_plugin_inst.named_regexp
        return len(places) > 1 and any(named or parts(place.as_posix()) for place in places)

    def _room(self, students: int = 1, around: Room | None = None) -> Room:
        """What archives of so many students may hold, as nbgrader bounds what is handed in."""
        app: Any = self.parent
        size = app.coursedir.max_dir_size * 1000
        return Room(size * students, MAX_FILES * students, around)

    def unpack(
        self, archive: Path, folder: Path, room: Room, depth: int = 1, *, whole: bool = False
    ) -> None:
        """Unpack an archive into a folder of its name, and those in it; say so where it is none.

        whole: it is a class's, and each in it a student's, with the room of one
        """
        self.log.info("Extracting %r", str(archive))
        inner = folder / archive.stem.removesuffix(".tar")
        try:
            unpack_archive(archive, inner, room)
        except Exception as error:
            shutil.rmtree(inner, ignore_errors=True)
            why = str(error) if isinstance(error, TooLarge | NoPlace) else type(error).__name__
            mend = "What else was handed in is collected. Ask for this file once more."
            self.log.error("%r cannot be unpacked (%s). %s", str(archive), why, mend)
            return
        if depth == MOST_NESTED:
            return
        for nested in sorted(inner.rglob("*")):
            if self._is_archive(nested) and nested.is_file():
                own = self._room(around=room) if whole else room
                self.unpack(nested, nested.parent, own, depth + 1)


@dataclass(frozen=True)
class Roster:
    """nbgrader's names of students, by their people's names, by a platform's numbers, and by
    themselves in whichever case and form.
    """

    people: dict[str, set[str]]
    numbers: dict[str, set[str]]
    ids: dict[str, set[str]]

    @classmethod
    def of(cls, students: Iterable[Any]) -> Roster:
        """The same of the gradebook's students."""
        made = cls({}, {}, {})
        for row in students:
            made.ids.setdefault(in_one_form(row.id), set()).add(row.id)
            first, last = row.first_name or "", row.last_name or ""
            for name in {folded(first + last), folded(last + first), folded(row.id)} - {""}:
                made.people.setdefault(name, set()).add(row.id)
            for number in {row.lms_user_id or "", row.id} - {""}:
                made.numbers.setdefault(number, set()).add(row.id)
        return made

    def written(self, user: str) -> str:
        """A name of nbgrader's as the gradebook writes it; as it is, where nobody or several have
        it in another case or form.
        """
        known = self.ids.get(in_one_form(user), set())
        return user if user in known or len(known) != 1 else next(iter(known))

    def named(self, name: str, number: str) -> str | None:
        """Who is called so; of several, or where nobody is, whoever has the number."""
        called, numbered = self.people.get(folded(name), set()), self.numbers.get(number, set())
        found = called if len(called) == 1 else (called & numbered if called else numbered)
        return next(iter(found)) if len(found) == 1 else None


@dataclass(frozen=True)
class Handed:
    """A file that a platform has named. place: its path in what was downloaded; name: the file's

    attempt: which of the student's, "" where a platform keeps none apart
    moment: when it was handed in, as nbgrader reads it, "" where a platform does not say
    """

    path: str
    place: str
    student: str
    name: str
    attempt: str
    moment: str


class LmsFileNames(FileNameCollectorPlugin):
    """nbgrader's collector: who handed a file in, as which file, and when, by the file's path."""

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """`student_id`, `file_id` and, where the platform says it, `timestamp`; None for a file
        that is nobody's, or not the latest.

        submitted_file: its whole path, in the folder that nbgrader has extracted
        """
        return self._told.get(submitted_file)

    @cached_property
    def _told(self) -> dict[str, dict[str, str]]:
        """What `collect` gives, by the files' paths. All are looked at before any is told of: which
        of a student's is the assignment's depends on the others.
        """
        told: dict[str, dict[str, str]] = {}
        handed: dict[str, list[Handed]] = {}
        for path in sorted(self._paths(), key=self._is_respelt):
            if self.named_regexp and (found := self._match(path)):
                told[path] = dict(found)
            elif one := self._handed(path):
                handed.setdefault(one.student, []).append(one)
        for student, files in handed.items():
            for one, name in self._named(self._of_the_last_attempt(files)):
                told[one.path] = {"student_id": student, "file_id": name}
                if one.moment:
                    told[one.path]["timestamp"] = one.moment
        return told

    def _paths(self) -> Iterator[str]:
        """The files that may be collected, in order."""
        app: Any = self.parent
        valid = {ending.casefold() for ending in self.valid_ext}
        walked = os.walk(app._format_collect_path(app.extracted_directory))
        for path in sorted(os.path.join(root, name) for root, _, names in walked for name in names):
            if os.path.splitext(path)[1].casefold() not in valid:
                continue
            if os.path.islink(path):
                self.log.warning("Not collected, as it is a link: %r", path)
                continue
            yield path

    def _is_respelt(self, path: str) -> bool:
        """Whether a path has a name of nbgrader's otherwise than the gradebook writes it."""
        user = _user(parts(self._place(path)) or {})
        return bool(user) and _composed(self._roster.written(user)) != user

    def _handed(self, path: str) -> Handed | None:
        """A file as its path says; None for one that is nobody's."""
        place = self._place(path)
        if any(name.startswith((".", "__MACOSX")) for name in place.split("/")):
            return None  # what Jupyter and operating systems leave in archives
        told = parts(place)
        if told is None:
            self.log.warning("No platform names files so: %r", path)
            return None
        time = told["time"] or told["attempt"]
        moment = moment_in(time, self._zone if time else None) or ""
        if time and not moment:
            self.log.warning("When it was handed in cannot be told: %r", place)
        return Handed(path, place, self._student(told), told["file"], told["attempt"], moment)

    def _of_the_last_attempt(self, files: list[Handed]) -> list[Handed]:
        """A student's files without those of earlier attempts. Where it cannot be told which was
        the last, all of them.
        """
        moments = [one.moment for one in files if one.attempt]
        last = max(moments) if all(moments) and moments else ""
        for one in files:
            if one.attempt and one.moment < last:
                self.log.warning("Not collected, as a later attempt is there: %r", one.place)
        return [one for one in files if not one.attempt or one.moment >= last]

    def _named(self, files: list[Handed]) -> Iterator[tuple[Handed, str]]:
        """A student's files with the names under which they are kept: the assignment's for the one
        that is it, with what platforms and browsers add. No two are the same, since nbgrader would
        stop: the latest goes first, then the one to whose name the least was added.
        """
        ordered = sorted(sorted(files, key=self._additions), key=attrgetter("moment"), reverse=True)
        taken: dict[str, Handed] = {}
        for one in ordered:
            stem, ending = os.path.splitext(one.name)
            wanted = self._assignment if self._is_the_assignments(stem) else stem
            before = taken.get(wanted + ending.casefold())
            if before is not None and one.moment and one.moment < before.moment:
                self.log.warning("Not collected, as a later one is there: %r", one.place)
                continue
            choices = (wanted, stem, *(f"{stem}-{number}" for number in range(2, len(files) + 2)))
            kept = next(name for name in choices if name + ending.casefold() not in taken)
            taken[kept + ending.casefold()] = one
            if before is not None:
                what = "%r is collected as %r, since that name has %r"
                self.log.warning(what, one.place, kept + ending, before.place)
            yield one, kept + ending

    def _is_the_assignments(self, stem: str) -> bool:
        """Whether a name is the assignment's, with what is added to one."""
        return COPY.sub("", stem).casefold() == self._assignment.casefold()

    def _additions(self, one: Handed) -> tuple[bool, bool, int, str]:
        """By how much was added to the assignment's name, then by how deep it lies."""
        stem, wanted = os.path.splitext(one.name)[0], self._assignment
        other = stem.casefold() != wanted.casefold()
        return stem != wanted, other, one.place.count("/"), one.place

    def _place(self, submitted_file: str) -> str:
        """The file's path in the folder that nbgrader has extracted."""
        app: Any = self.parent
        root = app._format_collect_path(app.extracted_directory)
        return Path(os.path.relpath(submitted_file, root)).as_posix()

    @cached_property
    def _zone(self) -> tzinfo | None:
        """The zone of the platform's times, said once: they do not say it themselves."""
        app: Any = self.parent
        settings = Course(Path(app.coursedir.root).parent).settings
        if settings.zone is not None:
            self.log.info("Times are read as those of %s", settings.timezone)
        else:
            what = "Times are read as this machine's (%s). If the platform has others: %s"
            mend = 'a line such as timezone = "Europe/Berlin" in course.toml'
            self.log.warning(what, datetime.now().astimezone().tzname(), mend)
        return settings.zone

    @cached_property
    def _assignment(self) -> str:
        app: Any = self.parent
        return str(app.coursedir.assignment_id)

    @cached_property
    def _roster(self) -> Roster:
        app: Any = self.parent
        with Gradebook(app.coursedir.db_url, app.coursedir.course_id) as book:
            return Roster.of(book.students)

    @cached_property
    def _numbers(self) -> dict[str, str]:
        """The platform's number under which each student's first file came."""
        return {}

    @cached_property
    def _spellings(self) -> dict[str, str]:
        """How the platform writes each student's name of nbgrader's."""
        return {}

    def _student(self, told: dict[str, str]) -> str:
        """Who it is: as the platform says, else by the roster, else under name and number. So is
        whoever is called like a student whose files came under another number: of two people of
        one name, of whom the roster has one, neither gets the other's work. Nor does whoever has
        a name of nbgrader's in another case than a student who has handed in.
        """
        user = _user(told)
        if USER.fullmatch(user):
            student = self._roster.written(user)
            if self._spellings.setdefault(student, user) == user:
                return student
            what = "%r is not %r, who is written %r here, or that is: collected as %r"
            self.log.warning(what, user, student, self._spellings[student], user)
            return user
        known = self._roster.named(told["name"], told["number"])
        if known and self._numbers.setdefault(known, told["number"]) == told["number"]:
            return known
        made = re.sub(r"[^\w-]+", "_", f"{told['name']}-{told['number']}").strip("_-")
        why = "is not in the gradebook by that name"
        if known:
            why = (
                f"is not {known!r}, whose files have the number {self._numbers[known]}, or that is"
            )
        self.log.warning("%r %s: collected as %r", told, why, made)
        return made


def parts(place: str) -> dict[str, str] | None:
    """What a path says, by a platform that names files so; "" for what it does not.

    The outermost folder counts that a platform has named, whatever lies in it; and of several
    readings of a name the one that ends first, unless another takes its last part to be somebody.
    """
    names = place.split("/")
    for depth in range(min(len(names), MOST_FOLDERS)):
        inner = "/".join(names[depth:])
        found = [match for pattern in PATTERNS if (match := pattern.fullmatch(inner))]
        found.sort(key=lambda match: match.end("platform"))
        if found:
            told = found[0]
            for other in found[1:]:
                told = other if _identity(other) < told.end("platform") else told
            said = told.groupdict(default="")
            return {name: said.get(name, "") for name in SAID}
    return None


def _user(told: dict[str, str]) -> str:
    """The name of nbgrader's that a path says, letters and accents composed; "" for none."""
    return _composed(told.get("user", ""))


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _identity(match: re.Match[str]) -> int:
    """Where a platform's name or number of a student begins."""
    named = match.groupdict()
    return match.start("user" if "user" in named else "number")


def folded(name: str) -> str:
    """A name as platforms write it into file names: letters and digits alone, without accents."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def moment_in(time: str, zone: tzinfo | None) -> str | None:
    """A platform's time as nbgrader reads one, in UTC; None for none, and for one of which it
    cannot be told what is the day and what the month. Of the two of a night in which clocks are
    set back, the first.

    zone: in which the platform writes; None for this machine's
    """
    if re.fullmatch(r"\d{4}(?:-\d\d){5}", time):
        time = "{}-{}-{} {}:{}:{}".format(*time.split("-"))
    time = re.sub(r"(\d{1,2})(\d\d) ([AP]M)$", r"\1:\2 \3", time)
    try:
        moment = _only_reading(time)
        if moment is None:
            return None
        local = moment if moment.tzinfo or zone is None else moment.replace(tzinfo=zone)
        return f"{local.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return None


def _only_reading(time: str) -> datetime | None:
    """A time that begins with its year, or of which the order of its numbers changes nothing; None
    for another, and for none.
    """
    if not time:
        return None
    moment: datetime = parse(time)
    orders = itertools.product((False, True), repeat=2)
    readings = {parse(time, dayfirst=day, yearfirst=year) for day, year in orders}
    return moment if len(readings) == 1 or re.match(r"\d{4}", time) else None
