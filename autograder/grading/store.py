"""Results kept between runs, each whole in a file of its own; its name changes with anything that
may change the grade.

    course/results/<assignment>/<submission>-<grading>.json

The first part is of what was handed in, the second of what grades it: a file with the same first
part holds an earlier result of the same submission, and what decided it (decided.py). What the
submission answered lies in replies/, under the first part alone (replies.py).

Only the process that grades a class writes here, so an interrupted class goes on from what was
graded.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from autograder.assignment import Assignment
from autograder.course import write_whole
from autograder.grading.decided import Decided, told_by
from autograder.grading.place import file_of
from autograder.grading.regrade import Kept
from autograder.grading.rounds import secret_of
from autograder.grading.submission import Submission
from autograder.results import Result

if TYPE_CHECKING:
    from autograder.grading.replies import Replies  # it loads torch

log = logging.getLogger(__name__)


class Grading(Protocol):
    """What decides a result beside the submission, as a `Grader` has it."""

    assignment: Assignment
    secret: str
    isolation: str


@dataclass
class InSandbox:
    """The gradings of an assignment in the sandbox, for those who only read what was kept."""

    assignment: Assignment
    secret: str
    isolation: str = "sandbox"


class Store:
    """The kept results of one grader. folder: where they lie, below it a folder for each assignment

    writes: False for one that keeps nothing
    suffix: of the names of its files; with another one, results lie apart from a class's
    known: the table of known programs that diagnoses go by, "" for none
    whole: whether every result so far could be kept
    """

    def __init__(
        self, folder: Path, grader: Grading, *, writes: bool = True, suffix: str = ".json"
    ) -> None:
        self._folder, self._suffix = folder / grader.assignment.slug, suffix
        self._secret, self._isolation = grader.secret, grader.isolation
        self._assignment, self._writes = grader.assignment, writes
        # results made with another table of known programs may say more, or less
        table = file_of(grader.assignment)
        self.known = table.name if table.is_file() else ""
        self.whole = True
        self._files = grader.assignment.files
        self._stamp = _stamp_of(self._files)

    @cached_property
    def decided(self) -> Decided:
        """What decides the results of today."""
        return Decided.of(self._assignment, self.known)

    @cached_property
    def _told_by(self) -> str:
        return told_by(self._assignment, self.known)

    def file(self, submission: Submission) -> Path:
        """Where the result of a submission lies, or will."""
        graded_by = f"{self._assignment.digest}\0{self._told_by}"
        grading = hashlib.sha256(graded_by.encode(errors="replace")).hexdigest()[:16]
        return self._folder / f"{self._key(submission)}-{grading}{self._suffix}"

    @cached_property
    def valid(self) -> str:
        """Changes with what replies hang on beside the submission."""
        parts = (self._isolation, self.decided.shared, sorted(self.decided.limits.items()))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def replies_file(self, submission: Submission) -> Path:
        """Where the replies of a submission lie, or will."""
        return self._folder / "replies" / f"{self._key(submission)}.frames"

    def replies(self, submission: Submission) -> Replies | None:
        """What a submission answered when it was graded last; None where that is not kept, or does
        not hold any more.
        """
        from autograder.grading.replies import Replies

        try:
            return Replies.from_bytes(self.replies_file(submission).read_bytes(), self.valid)
        except OSError:
            return None

    def packed(self, replies: Replies) -> bytes:
        """The answers to a submission's checks as they are kept; b"" where they are not whole. What
        it is asked from now on, no check asks.
        """
        replies.end()
        return replies.to_bytes(self.decided.checks, self.valid)

    def _key(self, submission: Submission) -> str:
        sources = (unit.source for unit in submission.units)
        secret = secret_of(self._secret, submission.round)
        parts = (self._isolation, secret, submission.digest, *sources)
        return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]

    def latest(self, submission: Submission) -> Kept | None:
        """The last result of a submission that was kept, whatever graded it; None where there is
        none that can be used.
        """
        return next(self._kept(submission), None)

    @property
    def has_history(self) -> bool:
        """Whether of any submission more than one result was kept."""
        return any(len(files) > 1 for files in self._earlier.values())

    def before(self, submission: Submission) -> Result | None:
        """The last result of a submission that other checks gave; None where there is none."""
        today = self.file(submission)
        return next((kept.result for kept in self._kept(submission, but=today)), None)

    def _kept(self, submission: Submission, but: Path | None = None) -> Iterator[Kept]:
        """What was kept of a submission, the latest first."""
        for _, file in sorted(self._earlier.get(self._key(submission), ()), reverse=True):
            if file == but:
                continue
            with suppress(Exception):  # whatever may have happened to it
                told = json.loads(file.read_text(encoding="utf-8"))
                kept = Kept(Result.from_json(told), Decided.from_json(told["decided"]))
                yield kept

    @cached_property
    def _earlier(self) -> dict[str, list[tuple[int, Path]]]:
        """The files of results by what was handed in, with their times; the folder is read once."""
        files: dict[str, list[tuple[int, Path]]] = {}
        for file in self._folder.glob(f"*-*{self._suffix}"):
            with suppress(OSError):
                entry = file.stat().st_mtime_ns, file
                files.setdefault(file.name.partition("-")[0], []).append(entry)
        return files

    def get(self, submission: Submission) -> Result | None:
        """The kept result of a submission; None where there is none that can be used."""
        file = self.file(submission)
        try:
            kept = Result.from_json(json.loads(file.read_text(encoding="utf-8")))
            return kept if kept.score <= kept.max_score else None
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever may have happened to it
            log.warning("%s cannot be used and is made anew (%s)", file, error)
            return None

    def put(self, submission: Submission, result: Result) -> None:
        """Keep a result. Where that cannot be done, say so once and grade on: the next run has more
        to do, no more.
        """
        if not self.whole or not self._writes:
            return
        if _stamp_of(self._files) != self._stamp:
            self.whole = False
            what = "files of %s were changed while it was graded: results are kept no more. %s"
            log.warning(what, self._assignment.slug, "Run the same command again.")
            return
        file = self.file(submission)
        try:
            # first: what says which checks asked must not be older than they
            self._put_replies(self.replies_file(submission), result.replies)
            told = json.loads(replace(result, submission="", student=None).dumps())
            told["decided"] = asdict(self.decided)
            write_whole(file, json.dumps(told) + "\n")
        except OSError as error:
            self.whole = False
            why = "results cannot be kept in %s (%s): they are graded again next time"
            log.warning(why, file.parent, error.strerror)

    def _put_replies(self, file: Path, replies: bytes | None) -> None:
        """Keep what was answered; b"": nothing, not what lies there from an earlier grading either;
        None: that stays.
        """
        if replies is None:
            return
        if not replies:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(file, replies)


def _stamp_of(files: Iterable[Path]) -> tuple[tuple[int, int], ...]:
    """Changes when one of these files is written, moved or taken away."""
    found = []
    for file in files:
        with suppress(OSError):
            known = file.stat()
            found.append((known.st_mtime_ns, known.st_size))
    return tuple(found)
