"""nbgrader's exchange, where its own classes believe a student's files, or leave a student out.

<exchange>/<course id>/
    outbound/<slug>/                                  released assignments
    inbound/<student>+<slug>+<time>+<random>/         what students handed in: theirs, and writable
    feedback/<hash of a submission's secret>.html     released feedback
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from fnmatch import fnmatch
from functools import cache
from glob import escape, glob
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import (
    ExchangeCollect,
    ExchangeFetchFeedback,
    ExchangeReleaseFeedback,
)
from nbgrader.utils import notebook_hash, parse_utc

from autograder.gradebook.timestamps import moment_of, secret_in, settle_timestamp, timestamp_in

MAX_FILES = 1000  # of one submission; and folders
MOST_DEEP = 20  # of its folders
LONGEST = 4096 - 3 * 256  # bytes of a folder's path: a name in a folder in it makes a path, too
MOST_NAMED = 5  # of those that are left out
CHUNK = 1 << 20
USER = re.compile(r"[\w@][\w.@+-]{0,127}")


# --- collect --------------------------------------------------------------------------------------


class Collect(ExchangeCollect):
    """`nbgrader collect`, following no link: what lies in the exchange is a student's, and a link
    there would be copied as the file of the instructor's that it names.
    """

    def init_src(self) -> None:
        """Find the submissions, without what is none."""
        super().init_src()  # type: ignore[no-untyped-call]
        self.src_records = [record for record in self.src_records if record["username"]]

    def _path_to_record(self, path: str) -> dict[str, Any]:
        """Whose a folder is, and when it was handed in; nobody's where that cannot be told, as
        nbgrader's own would end the collecting for everybody.
        """
        folder = Path(path)
        told = told_by(folder)
        if told is None:
            self.log.warning(
                "Not collected, as nobody is called so, or nothing handed in: %r", folder.name
            )
        student, _, moment = told or ("", "", datetime.min)
        return {"username": student, "filename": folder.name, "timestamp": moment}

    def _sort_by_timestamp(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A student's submissions, the latest first; without those that others have laid there in
        the student's name.
        """
        folders = [Path(self.inbound_path, record["filename"]) for record in records]
        own = [r for r, f in zip(records, folders, strict=True) if is_of(f, r["username"])]
        if own and len(own) < len(records):
            who = records[0]["username"]
            self.log.warning("Not collected, as somebody else has laid it there for %r", who)
        return sorted(own or records, key=lambda record: record["timestamp"], reverse=True)

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy a submission: regular files, within the course's bounds on size and number. Nothing
        of one that cannot be copied whole, which the next collecting takes up.
        """
        try:
            for name in copy_regular(Path(src), Path(dest), self.coursedir):
                self.log.warning("Not collected, as it is no regular file, or too large: %r", name)
        except OSError as error:  # the others are collected
            self.log.error("%r is not collected (%s)", src, error)
            shutil.rmtree(dest, ignore_errors=True)
            return
        if settle_timestamp(Path(dest)):
            self.log.warning("The timestamp of %r cannot be read", dest)


def told_by(folder: Path) -> tuple[str, str, datetime] | None:
    """Student, assignment and time in the name of a folder of `inbound`; None for anything else
    that lies there. The name is a student's choice, and formgrader takes it for HTML.
    """
    for count in (3, 2):  # nbgrader can be told to leave the last part out
        parts = folder.name.rsplit("+", count)
        moment = _moment(parts[2]) if len(parts) == count + 1 else None
        if moment is not None and USER.fullmatch(parts[0]):
            with suppress(OSError):
                if stat.S_ISDIR(folder.lstat().st_mode):
                    return parts[0], parts[1], moment
    return None


def _moment(text: str) -> datetime | None:
    """The time in a folder's name; the exchange may be told to write it in another way."""
    told = moment_of(text)
    with suppress(Exception):  # dateutil's parser raises what it likes
        told = told or parse_utc(text)
    return told


def is_of(folder: Path, student: str) -> bool:
    """Whether a folder is owned by the account of that name. Where students have no accounts of
    their own, none is.
    """
    with suppress(OSError):
        return account(folder.lstat().st_uid) == student
    return False


@cache
def account(number: int) -> str:
    """The name of an account by its number; "" where there is none."""
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (KeyError, ImportError):
        return ""


def copy_regular(source: Path, target: Path, bounds: Any) -> Iterator[str]:
    """Copy the regular files of a tree; gives the names of those that were left out.

    Folders within folders are followed to `MOST_DEEP`, as a walk holds each open, and calls itself,
    and as far as a path may be long.

    bounds: nbgrader's CourseDirectory, whose `ignore`, `max_file_size` and `max_dir_size` (both in
        kilobytes) hold
    """
    left, count, walked = bounds.max_dir_size * 1000, 0, 0
    for place, folders, names, descriptor in os.fwalk(source, follow_symlinks=False):
        walked += 1
        inner = target / Path(place).relative_to(source)
        inner.mkdir(parents=True, exist_ok=True)
        folders[:] = [name for name in folders if not _ignored(name, bounds.ignore)]
        deep = len(inner.parts) - len(target.parts) >= MOST_DEEP or len(bytes(inner)) > LONGEST
        if folders and (deep or walked + len(folders) > MAX_FILES):
            yield from (str(Path(place, name)) for name in folders[:MOST_NAMED])
            folders.clear()
        for name in names:
            if _ignored(name, bounds.ignore):
                continue
            most = min(left, bounds.max_file_size * 1000)
            size = _copy(name, descriptor, inner / name, most) if count < MAX_FILES else None
            if size is None:
                yield str(Path(place, name))
            else:
                left, count = left - size, count + 1


def _ignored(name: str, patterns: list[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _copy(name: str, folder: int, target: Path, most: int) -> int | None:
    """Copy one file of the folder `folder`; gives its size, None where it was left out."""
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as reading:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size > most:
            return None
        size = 0
        with open(target, "wb") as writing:
            while part := reading.read(min(CHUNK, most + 1 - size)):
                size += len(part)
                if size > most:  # it grew while it was read
                    break
                writing.write(part)
    if size > most:
        target.unlink()
        return None
    return size


# --- feedback -------------------------------------------------------------------------------------


class ReleaseFeedback(ExchangeReleaseFeedback):
    """`nbgrader release_feedback`, for everybody who handed in through the exchange, whoever else
    did not.
    """

    def copy_files(self) -> None:
        """Release the pages of one student after another."""
        asked = self.src_path
        for folder in sorted(glob(asked)):
            if secret_in(Path(folder)) is None or timestamp_in(Path(folder)) is None:
                what = "Not released, as it was not handed in through the exchange: %r"
                self.log.warning(what, folder)
                continue
            self.src_path = escape(folder)
            super().copy_files()  # type: ignore[no-untyped-call]
        self.src_path = asked


class FetchFeedback(ExchangeFetchFeedback):
    """`nbgrader fetch_feedback`, for submissions without a notebook, too: nbgrader's own looks for
    one page a notebook that was handed in.
    """

    def init_src(self) -> None:
        """Find the pages of the submissions in this student's cache."""
        super().init_src()  # type: ignore[no-untyped-call]
        directory: Any = self.coursedir
        assignment = directory.assignment_id
        found = {moment for name, moment, _ in self.feedback_files if name == assignment}
        for folder in sorted(
            glob(os.path.join(escape(self.cache_path), f"*+{escape(assignment)}+*"))
        ):
            moment, secret = folder.rsplit("+", 1)[-1], secret_in(Path(folder))
            if secret is None or moment in found:
                continue
            name = notebook_hash(secret=secret, notebook_id=assignment)
            page = os.path.join(self.outbound_path, f"{name}.html")
            if os.path.exists(page):
                self.feedback_files.append((assignment, moment, page))
