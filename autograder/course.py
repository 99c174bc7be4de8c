"""A course: where its files lie, its settings, its secret, and how a file is written whole.

<root>/
    course.toml                 title, course id, workers, limits, gradebook, exchange
    nbgrader_config.py          two lines that hand nbgrader these settings
    reference_solutions/        the staff's side: one folder an assignment
    assignments/                the students' side, generated
    course/                     kept out of version control, as it holds the secret and the grades
        secret  source/  release/  submitted/  autograded/  feedback/  gradebook.db
        results/<assignment>/<key>.json      graded submissions (grading/store.py)
        results/<assignment>/replies/        what they answered to the checks (grading/replies.py)
        watch/                               grading on arrival (watch/ledger.py)
        marked/<assignment>/<student>/       what was entered last (gradebook/entered.py)
        entering/                            notebooks and pages under way
        report/<assignment>.html             the class page (pages/classroom.py)
        rounds/<assignment>.log              what was handed in before which feedback
        log/grading.log                      tracebacks of the grader's own faults
"""

from __future__ import annotations

import hashlib
import math
import os
import secrets
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from autograder.errors import AuthoringError, UsageError

STAFF = "reference_solutions"
STUDENTS = "assignments"
SETTINGS = "course.toml"
KINDS = {
    bool: "true or false",
    str: "a text in quotes",
    int: "a whole number",
    dict: "a table",
    list: "a list of texts in quotes",
}


@dataclass(frozen=True)
class Settings:
    """What course.toml says.

    course_id: nbgrader's name of the course, which the exchange needs
    workers: how many submissions are graded at a time; 0: as many as there are cores
    limits: in place of the defaults of `Limits`, for every assignment that says nothing else
    gradebook: a database URL as SQLAlchemy has it; "": SQLite, in course/gradebook.db
    exchange: the folder through which nbgrader hands out and collects; "": nbgrader's own
    packages: what this course's submissions import, beside what the kit brings
    watch: how many versions of a student are graded on arrival (watch/allowance.py)
    late: what late work costs (`Late`)
    extensions: days that students have longer, by assignment and student
    names: whether markers see whose answer they read
    timezone: where the course is, as in "Europe/Berlin"; "": where this machine says it is
    """

    title: str = ""
    course_id: str = ""
    workers: int = 0
    limits: dict[str, Any] = field(default_factory=dict)
    gradebook: str = ""
    exchange: str = ""
    packages: list[str] = field(default_factory=list)
    watch: dict[str, Any] = field(default_factory=dict)
    late: dict[str, Any] = field(default_factory=dict)
    extensions: dict[str, dict[str, float]] = field(default_factory=dict)
    names: bool = False
    timezone: str = ""

    @property
    def zone(self) -> tzinfo | None:
        """The time zone in which platforms write their times; None for that of this machine."""
        return ZoneInfo(self.timezone) if self.timezone else None


@dataclass(frozen=True)
class Late:
    """What late work costs: the table [late] of course.toml.

    policy: "none"; "zero": everything; "percent": `percent` of what was earned, each day begun;
        "days": nothing while the student has some of `days` left, then `percent` a day
    percent: of the points earned, for each day begun, 100 at most in all
    days: late days that each student has for the whole course
    grace_minutes: lateness that is none
    """

    policy: str = "none"
    percent: float = 10.0
    days: int = 0
    grace_minutes: float = 0.0


POLICIES = ("none", "percent", "days", "zero")


@dataclass(frozen=True)
class Course:
    """A course by its root folder."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Course:
        """The course at `start` (default: here) or around it, or the one that $AUTOGRADER_COURSE
        names.
        """
        named = os.environ.get("AUTOGRADER_COURSE")
        first = Path(named) if named else (start or Path.cwd())
        for folder in (first.resolve(), *first.resolve().parents):
            if (folder / STAFF).is_dir():
                return cls(folder)
        mend = "Change into it, set AUTOGRADER_COURSE, or make one: autograder init FOLDER."
        raise UsageError(
            f"no course here: {first} is not inside a folder that holds {STAFF}/. {mend}"
        )

    @property
    def staff(self) -> Path:
        return self.root / STAFF

    @property
    def students(self) -> Path:
        return self.root / STUDENTS

    @property
    def work(self) -> Path:
        """What the course keeps for itself, and nbgrader's own course folder."""
        return self.root / "course"

    @property
    def source(self) -> Path:
        return self.work / "source"

    @property
    def release(self) -> Path:
        return self.work / "release"

    @property
    def submitted(self) -> Path:
        return self.work / "submitted"

    @property
    def feedback(self) -> Path:
        return self.work / "feedback"

    @property
    def gradebook(self) -> Path:
        """The file of the SQLite gradebook, where the settings name no other database."""
        return self.work / "gradebook.db"

    @property
    def results(self) -> Path:
        return self.work / "results"

    def rounds(self, slug: str) -> Path:
        """The log of what was handed in before which feedback (grading/rounds.py)."""
        return self.work / "rounds" / f"{slug}.log"

    def taken(self, slug: str, student: str) -> Path:
        """Where the version of a student that counts for the watch lies, or will."""
        return self.work / "watch" / "taken" / student / slug

    def account(self, slug: str, student: str) -> Path:
        """What the watch knows of a student's versions; by a digest, as a name may be too long."""
        digest = hashlib.sha256(os.fsencode(student)).hexdigest()[:32]
        return self.work / "watch" / "ledger" / slug / f"{digest}.json"

    @property
    def report(self) -> Path:
        """Where the class pages lie."""
        return self.work / "report"

    @property
    def log(self) -> Path:
        return self.work / "log" / "grading.log"

    @cached_property
    def settings(self) -> Settings:
        """course.toml, validated; without one, the defaults."""
        path = self.root / SETTINGS
        return read_settings(path) if path.is_file() else Settings()

    @property
    def workers(self) -> int:
        """How many submissions are graded at a time."""
        return self.settings.workers or processors()

    def secret(self) -> str:
        """What the inputs of hidden checks derive from: made on first use, for everybody the same
        one. AuthoringError where the file holds none, as after a copy that broke off: everybody
        could draw the inputs of an empty one.
        """
        file = self.work / "secret"
        if not file.exists():
            self._make_secret(file)
        try:
            secret = file.read_text(encoding="ascii").strip()
        except UnicodeDecodeError:
            secret = ""
        if not secret:
            mend = "Lay a copy of it there; without one, remove it: then hidden inputs are new ones"
            raise AuthoringError(file, "holds no secret", f"{mend} for the whole class.")
        return secret

    def _make_secret(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f"secret.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_hex(32) + "\n")
        try:
            os.link(temporary, file)  # whoever comes first decides
        except FileExistsError:
            pass
        finally:
            temporary.unlink()


def processors() -> int:
    """How many processors this process may use: a container, or taskset, may leave it fewer than
    the machine has.
    """
    if hasattr(os, "sched_getaffinity"):  # as on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_settings(path: Path) -> Settings:
    """Read and validate a course.toml."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AuthoringError(path, f"is not TOML ({error})", "Mend that line.") from error
    defaults = {item.name: getattr(Settings(), item.name) for item in fields(Settings)}
    if unknown := sorted(values.keys() - defaults.keys()):
        mend = f"Known are {', '.join(defaults)}."
        raise AuthoringError(path, f"has unknown settings {', '.join(unknown)}", mend)
    for name, value in values.items():
        wanted = type(defaults[name])
        texts = wanted is not list or (
            isinstance(value, list) and all(isinstance(item, str) for item in value)
        )
        if type(value) is not wanted or not texts or (wanted is int and value < 0):
            raise AuthoringError(path, f"has {name} = {value!r}", f"It is {KINDS[wanted]}.")
    late_policy(path, values.get("late", {}))
    _check_extensions(path, values.get("extensions", {}))
    _check_timezone(path, values.get("timezone", ""))
    return Settings(**values)


def late_policy(path: Path, table: dict[str, Any]) -> Late:
    """The table [late] of the course.toml at `path`, validated."""
    known = {item.name: item.default for item in fields(Late)}
    if unknown := sorted(table.keys() - known.keys()):
        what = f"has unknown settings {', '.join(unknown)} in [late]"
        raise AuthoringError(path, what, f"Known are {', '.join(known)}.")
    for name, value in table.items():
        if name == "policy":
            if value not in POLICIES:
                what = f"has the late policy {value!r}"
                raise AuthoringError(path, what, f"Known are {', '.join(POLICIES)}.")
        elif not _is_number(value) or value < 0 or (name == "percent" and value > 100):
            mend = "It is a number from 0 to 100." if name == "percent" else "It is 0 or more."
            raise AuthoringError(path, f"has {name} = {value!r} in [late]", mend)
        elif name == "days" and not isinstance(value, int):
            raise AuthoringError(path, f"has days = {value!r} in [late]", f"It is {KINDS[int]}.")
    return Late(**table)


def _check_extensions(path: Path, table: dict[str, Any]) -> None:
    mend = 'Write [extensions.ASSIGNMENT], and below it lines such as "STUDENT" = 2, in days.'
    for slug, students in table.items():
        if not isinstance(students, dict):
            raise AuthoringError(path, f"has {slug} = {students!r} in [extensions]", mend)
        staff = path.parent / STAFF
        if staff.is_dir() and not (staff / slug).is_dir():
            known = ", ".join(sorted(folder.name for folder in staff.iterdir())) or "none"
            what = f"gives extensions for {slug!r}, which is no assignment"
            raise AuthoringError(path, what, f"There are: {known}.")
        for student, days in students.items():
            if not _is_number(days) or not 0 <= days <= 3650:
                raise AuthoringError(path, f"gives {student} {days!r} days for {slug}", mend)


def _check_timezone(path: Path, name: str) -> None:
    try:
        if name:
            ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, no name, a folder of names
        mend = 'It is a name such as "Europe/Berlin". A machine without any: pip install tzdata.'
        raise AuthoringError(path, f"has timezone = {name!r}", mend) from None


def _is_number(value: Any) -> bool:
    """Whether a value of a TOML file is a finite number; true and false are none."""
    return type(value) in (int, float) and math.isfinite(value)


def write_whole(file: Path, data: str | bytes) -> None:
    """Write a file so that no reader, and no interruption, ever sees a part of it. OSError, with
    the name of the file, where that cannot be.
    """
    content = data.encode("utf-8") if isinstance(data, str) else data
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, file)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(file)) from error
        raise


@contextmanager
def folder_laid(course: Course, place: Path, rights: int) -> Iterator[Path]:
    """An empty folder, which takes the place of another, or of none, when the block has ended well.

    rights: of its files
    """
    desk = course.work / "entering"
    desk.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=desk))
    try:
        yield made
        for file in made.iterdir():
            file.chmod(rights)
        made.chmod(0o755)
        put_in_place(made, place)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def put_in_place(new: Path, place: Path) -> None:
    """Put a folder in the place of another, or of none, by renaming; what was there is removed, or
    lies there again where the new one cannot be put there. All in one file system.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    old = Path(tempfile.mkdtemp(dir=new.parent, prefix=".old."))
    with suppress(FileNotFoundError):
        os.rename(place, old / "replaced")
    try:
        os.rename(new, place)
    except BaseException:
        with suppress(FileNotFoundError):
            os.rename(old / "replaced", place)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)
