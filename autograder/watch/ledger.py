"""What is known of each student's versions, kept between runs, each student's whole in a file.

    course/watch/
        lock                                  held by the one watch that runs
        ledger/<assignment>/<key>.json        what has counted, and what is entered
        taken/<student>/<assignment>/         the version that counts, copied whole
        collected/ autograded/ feedback/      where nbgrader writes, before it is moved into place

A version is accepted in this order: its token is taken in the ledger, then its bytes are copied,
then it is graded and entered, then the ledger says so. A kill between any two of these costs no
token twice and loses nothing: what is taken and not entered is entered by the next run.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat

from autograder.course import Course, put_in_place, write_whole
from autograder.errors import SubmissionError
from autograder.gradebook.rebuild import wrapper
from autograder.gradebook.timestamps import SECRET, TIMESTAMP, moment_of, secret_in, small_text
from autograder.grading.submission import counts, read_bytes
from autograder.watch.allowance import Allowance
from autograder.watch.arrivals import Folder

log = logging.getLogger(__name__)
REMEMBERED = 100  # versions of a student that have counted; one of them again costs no token


@dataclass(frozen=True)
class Version:
    """What a student handed in at one time.

    name: the file that counts; data: its bytes; timestamp: when it was handed in, as text
    problem: why there are no bytes: no regular file, too large, ...
    secret: the name under which nbgrader's exchange gives its feedback back
    """

    name: str
    data: bytes
    timestamp: str = ""
    problem: str = ""
    secret: str = ""

    @property
    def content(self) -> str:
        """Its digest, whenever it was handed in."""
        kind = self.name.rpartition(".")[2]
        return _digest(kind.encode(), self.problem.encode(errors="replace"), self.data)

    @property
    def key(self) -> str:
        """Its digest, the time at which it was handed in included."""
        return _digest(self.content.encode(), self.timestamp.encode())


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


@dataclass(frozen=True)
class Account:
    """What is known of one student's versions of one assignment.

    full_at: when the student's bucket is full again, seconds since the epoch
    counted: contents that have had their token, the latest last
    accepted: the key of the version that counts
    entered: what was entered in the gradebook last: a version's key, what graded it and judged
        when it came
    collected: the folder of the exchange that was collected last, by its name
    """

    student: str
    full_at: float = 0.0
    counted: tuple[str, ...] = ()
    accepted: str = ""
    entered: str = ""
    collected: str = ""

    def accepting(
        self, version: Version, allowance: Allowance, now: float, *, free: bool
    ) -> Account:
        """The account once a version counts; it costs a token, unless it is free or had one."""
        if free or version.content in self.counted:
            return replace(self, accepted=version.key)
        return replace(
            self,
            full_at=allowance.take(self.full_at, now),
            counted=(*self.counted, version.content)[-REMEMBERED:],
            accepted=version.key,
        )

    def without(self, content: str) -> Account:
        """The account as if this content had had no token."""
        return replace(self, counted=tuple(one for one in self.counted if one != content))


@dataclass
class Ledger:
    """The accounts of a course, and the versions that count."""

    course: Course
    _accounts: dict[tuple[str, str], Account] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.course.work / "watch"

    def account(self, slug: str, student: str) -> Account:
        """A student's account; a new one where there is none, or none that can be read."""
        known = self._accounts.get((slug, student))
        if known is None:
            known = self._accounts[slug, student] = self._read(slug, student)
        return known

    def write(self, slug: str, account: Account) -> None:
        """Keep an account; it is whole on disk when this returns."""
        text = json.dumps(asdict(account), ensure_ascii=True)
        write_whole(self.course.account(slug, account.student), text + "\n")
        self._accounts[slug, account.student] = account

    def _read(self, slug: str, student: str) -> Account:
        file = self.course.account(slug, student)
        try:
            value: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            account = Account(**value)
            return replace(
                account,
                student=student,
                full_at=float(account.full_at),
                counted=tuple(map(str, account.counted)),
                collected=str(account.collected),
            )
        except FileNotFoundError:
            return Account(student)
        except Exception as error:  # whatever may have happened to it
            log.warning("%s cannot be used and begins anew (%s)", file, error)
            return Account(student)

    def taken(self, slug: str, student: str) -> Path:
        """Where the version of a student that counts lies, or will."""
        return self.course.taken(slug, student)

    @contextmanager
    def laid(self, slug: str, version: Version) -> Iterator[Path]:
        """A folder that holds a version and nothing else, for `keep`; gone afterwards."""
        new = self.folder / "new" / secrets.token_hex(8)
        new.mkdir(parents=True)
        try:
            (new / version.name).write_bytes(version.data)
            for name, text in ((TIMESTAMP, version.timestamp), (SECRET, version.secret)):
                if text:
                    (new / name).write_text(text, encoding="utf-8")
            if version.name.casefold().endswith(".py"):
                # nbgrader passes over students without a notebook
                notebook = nbformat.writes(wrapper(slug)) + "\n"
                (new / f"{slug}.ipynb").write_text(notebook, encoding="utf-8")
            yield new
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def keep(self, laid: Path, slug: str, student: str) -> None:
        """Put a version where those that count lie, in the place of the one before."""
        put_in_place(laid, self.taken(slug, student))

    def clear(self) -> None:
        """Remove what a killed run left half done."""
        for name in ("new", "autograded", "feedback", "collected"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def unfinished(self, slug: str) -> list[Folder]:
        """The versions that count and lie there whole."""
        found = []
        with suppress(OSError):
            for name in sorted(os.listdir(self.folder / "taken")):
                if self.taken(slug, name).is_dir():
                    found.append(Folder(self.taken(slug, name), name, slug))
        return found


def version_in(folder: Folder) -> Version:
    """What lies in a student's folder: the file that counts, or why it cannot be read."""
    path, secret = counts(folder.path, folder.slug), secret_in(folder.path) or ""
    told = small_text(folder.path / TIMESTAMP) or ""
    handed_in = told if moment_of(told) is not None else ""
    try:
        return Version(path.name, read_bytes(path), handed_in, secret=secret)
    except SubmissionError as error:
        return Version(f"{folder.slug}.ipynb", b"", handed_in, str(error), secret)
