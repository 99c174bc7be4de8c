"""Results kept between runs, each whole in a file of its own; its name changes with anything that
may change the grade.

    course/results/<assignment>/<key>.json

Only the process that grades a class writes here, so an interrupted class goes on from what was
graded.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from autograder.assignment import Assignment
from autograder.course import write_whole
from autograder.grading.place import file_of
from autograder.grading.rounds import secret_of
from autograder.grading.submission import Submission
from autograder.results import Result

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

    whole: whether every result so far could be kept
    """

    def __init__(self, folder: Path, grader: Grading) -> None:
        self._folder = folder / grader.assignment.slug
        self._secret = grader.secret
        # results made with another table of known programs may say more, or less
        table = file_of(grader.assignment)
        known = table.name if table.is_file() else ""
        self._grading = (grader.assignment.digest, grader.isolation, known)
        self.whole = True

    def file(self, submission: Submission) -> Path:
        """Where the result of a submission lies, or will."""
        sources = (unit.source for unit in submission.units)
        secret = secret_of(self._secret, submission.round)
        parts = (*self._grading, secret, submission.digest, *sources)
        key = hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]
        return self._folder / f"{key}.json"

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
        if not self.whole:
            return
        file = self.file(submission)
        try:
            write_whole(file, replace(result, submission="", student=None).dumps() + "\n")
        except OSError as error:
            self.whole = False
            why = "results cannot be kept in %s (%s): they are graded again next time"
            log.warning(why, file.parent, error.strerror)
