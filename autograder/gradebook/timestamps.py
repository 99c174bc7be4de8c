"""The two small files beside a submission, which `nbgrader submit` lays there: when it was handed
in, and the secret under whose hash its feedback is fetched.

Both lie in a folder of the student's, so their bytes are the student's. They go on to `autograded/`
and `feedback/` as what they say, written anew.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from autograder.course import write_whole
from autograder.errors import SubmissionError
from autograder.grading.submission import read_bytes

TIMESTAMP, SECRET = "timestamp.txt", "submission_secret.txt"
UNREADABLE = "timestamp.unreadable.txt"
MAX_TEXT = 256  # bytes of either file
MOMENT = re.compile(  # as nbgrader and people write it; dateutil would take a good deal more
    r"20\d\d-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?"
    r"(?:Z| ?(?:[A-Za-z]{1,6}|[+-]\d\d:?\d\d))?"
)
TOKEN = re.compile(r"[0-9A-Za-z_-]{16,256}")


def timestamp_in(folder: Path) -> datetime | None:
    """When a submission was handed in, in UTC without a zone, as nbgrader keeps it; None where its
    file is missing or says no time.
    """
    text = small_text(folder / TIMESTAMP)
    return moment_of(text) if text is not None else None


def moment_of(text: str) -> datetime | None:
    """A time as nbgrader keeps it, from a text; None where that says none."""
    if not MOMENT.fullmatch(text):
        return None
    with suppress(ValueError):
        if text.endswith(" UTC"):  # as nbgrader writes it, which need not be loaded for that
            return datetime.fromisoformat(text.removesuffix(" UTC"))
    from nbgrader.utils import parse_utc

    try:
        moment: datetime = parse_utc(text)
    except (ValueError, OverflowError, TypeError, AttributeError):
        return None
    return moment


def secret_in(folder: Path) -> str | None:
    """The secret of a submission; None where it came without one."""
    text = small_text(folder / SECRET)
    return text if text is not None and TOKEN.fullmatch(text) else None


def small_text(file: Path) -> str | None:
    """The text of a small regular file; None for whatever else a student may have put there."""
    try:
        data = read_bytes(file)
        return data.decode("ascii").strip() if len(data) <= MAX_TEXT else None
    except (SubmissionError, UnicodeDecodeError):
        return None


def settle_timestamp(folder: Path) -> bool:
    """Set a timestamp that says no time aside, since formgrader's list of a whole class ends at it;
    says whether there was one.
    """
    file = folder / TIMESTAMP
    if not os.path.lexists(file) or timestamp_in(folder) is not None:
        return False
    with suppress(OSError):
        os.replace(file, folder / UNREADABLE)
    return True


def hand_on(submitted: Path, autograded: Path) -> None:
    """Lay a submission's timestamp and secret where nbgrader's feedback takes them from."""
    moment, secret = timestamp_in(submitted), secret_in(submitted)
    if moment is not None:
        written = moment.isoformat(sep=" ", timespec="microseconds")
        write_whole(autograded / TIMESTAMP, f"{written} UTC")
    if secret is not None:
        write_whole(autograded / SECRET, secret)
