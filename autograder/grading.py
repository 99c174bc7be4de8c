"""One submission from file to result; a class of them over any executor.

    course/
        secret                          what hidden checks' inputs derive from (assignment.course_secret)
        results/<assignment>/<key>.json one graded submission, written whole; its key changes with anything that may change the grade
        log/grading.log                 tracebacks of the grader's own faults

A class can be interrupted at any instant: what was graded is in `results/`, and the next run goes on from there.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import logging
import multiprocessing
import os
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from autograder.assignment import Assignment
from autograder.diagnosis import diagnose
from autograder.errors import SandboxError, SandboxLost, SandboxUnavailable, SubmissionError
from autograder.known import Known
from autograder.results import Result
from autograder.sandbox import Sandbox
from autograder.session import Run, open_submission, run_checks
from autograder.student import Student
from autograder.submission import Found, Source, read, unchanged_cells

log = logging.getLogger(__name__)
PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass
class Grader:
    """Grades submissions of one assignment, one at a time; shared by forked workers, who each use it in their own process.

    secret: what the inputs of hidden checks derive from
    isolation: "sandbox", or "none" for code that one trusts
    store: where results are kept between runs (None: nowhere)
    diagnoses: whether failing functions are compared with the known mistakes
    """

    assignment: Assignment
    secret: str
    isolation: str = "sandbox"
    store: Path | None = None
    log_file: Path | None = None
    sandbox: Sandbox | None = None
    diagnoses: bool = True
    _own: bool = field(default=False, init=False)
    _unkept: Any = field(default_factory=lambda: multiprocessing.RawValue("b", 0), init=False)

    def warm(self) -> Sandbox:
        """The running sandbox, started if there is none."""
        torch.set_num_threads(1)  # sums the same everywhere; and torch with threads does not survive the fork of a worker
        if self.sandbox is None:
            self.sandbox = Sandbox.start(self.isolation)
            self._own = True
        return self.sandbox

    def close(self) -> None:
        """End the sandbox if this process started it."""
        if self.sandbox is not None and self._own:
            self.sandbox.close()
        self.sandbox = None

    @cached_property
    def skipped_cells(self) -> frozenset[str]:
        return unchanged_cells(self.assignment)

    @cached_property
    def known(self) -> Known:
        return Known(self.assignment)

    def grade(self, found: Found, *, again: bool = False) -> Result:
        """The result of one submission, from the store where it is there. Never raises for what a student handed in.

        again: grade even what the store has
        Raises SandboxUnavailable where this machine cannot build the wall: that is no matter of one submission.
        """
        start = time.monotonic()
        try:
            source = read(found.path, self.skipped_cells)
            result = None if again else self._kept(source)
            if result is None:
                result = self._run_twice(found, source, start)
                self._keep(source, result)
            return result.filed_as(str(found.path), found.student)
        except SubmissionError as error:
            return self._blank(found, error.status, str(error), start)
        except SandboxUnavailable:
            raise
        except SandboxError as error:
            self._note_fault(found, error)
            return self._blank(found, "grader_error", f"the sandbox failed on this submission: {error}", start)
        except Exception as error:
            self._note_fault(found, error)
            return self._blank(found, "grader_error", "the grader failed on this submission; nothing was graded", start)

    def _run_twice(self, found: Found, source: Source, start: float) -> Result:
        """Run a source; once more in a new sandbox where the first one was lost."""
        try:
            return self.run(source, start)
        except SandboxLost as error:
            log.warning("%r: %s; trying once more", str(found.path), error)
            self.close()
            return self.run(source, start)

    def run(self, source: Source, start: float | None = None) -> Result:
        """Load a source behind the line, run the checks on it, and give the result, filed under no name."""
        start = time.monotonic() if start is None else start
        sandbox = self.warm()
        with open_submission(sandbox, self.assignment, source) as submission:
            checks = run_checks(Run(self.assignment, Student(submission), self.secret))
            diagnosis = diagnose(self.known, sandbox, checks, submission) if self.diagnoses else ()
        return Result(
            assignment=self.assignment.slug,
            submission="",
            student=None,
            status="graded",
            max_score=self.assignment.max_score,
            tests=tuple(checks),
            diagnosis=diagnosis,
            isolation=sandbox.isolation,
            walls=sandbox.walls,
            grader=self.assignment.digest,
            digest=source.digest,
            seconds=round(time.monotonic() - start, 3),
        )

    def _blank(self, found: Found, status: str, message: str, start: float) -> Result:
        return Result(
            assignment=self.assignment.slug,
            submission=str(found.path),
            student=found.student,
            status=status,
            max_score=self.assignment.max_score,
            message=message,
            isolation=self.isolation,
            grader=self.assignment.digest,
            seconds=round(time.monotonic() - start, 3),
        )

    # the store

    @property
    def keeps(self) -> bool:
        """Whether every result so far could be stored, by this process or a worker of it."""
        return not self._unkept.value

    def _file(self, source: Source) -> Path | None:
        if self.store is None:
            return None
        parts = (self.assignment.digest, self.secret, self.isolation, source.digest, *(unit.source for unit in source.units))
        key = hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]
        return self.store / self.assignment.slug / f"{key}.json"

    def _kept(self, source: Source) -> Result | None:
        file = self._file(source)
        if file is None:
            return None
        try:
            kept = Result.from_json(json.loads(file.read_text(encoding="utf-8")))
            return kept if kept.score <= kept.max_score else None
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever may have happened to it
            log.warning("%s cannot be used and is made anew (%s)", file, error)
            return None

    def _keep(self, source: Source, result: Result) -> None:
        """Store a result. Where that cannot be done, say so once and grade on: the next run has more to do, no more."""
        file = self._file(source)
        if file is None or not self.keeps:
            return
        try:
            write_whole(file, replace(result, submission="", student=None).dumps() + "\n")
        except OSError as error:
            self._unkept.value = 1
            log.warning("results cannot be kept in %s (%s): they are graded again next time", file.parent, error.strerror)

    def _note_fault(self, found: Found, error: BaseException) -> None:
        text = "".join(traceback.format_exception(error))
        log.error("grader error on %r: %s", str(found.path), error)
        if self.log_file is not None:
            with suppress(OSError):
                self.log_file.parent.mkdir(parents=True, exist_ok=True)
                with self.log_file.open("a", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} {found.path!r}\n{text}\n")


def write_whole(file: Path, text: str) -> None:
    """Write a file so that no reader, and no interruption, ever sees a part of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, file)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


# --- a class ----------------------------------------------------------------------------------------------------------

_grader: Grader | None = None  # of this worker process; set before the fork


def this_worker() -> Grader:
    """The grader of this worker process."""
    assert _grader is not None, "only processes of worker_pool grade"
    return _grader


def _work(found: Found, again: bool) -> Result:
    return this_worker().grade(found, again=again)


@contextmanager
def worker_pool(grader: Grader, workers: int) -> Iterator[Executor]:
    """An executor of `workers` forked processes that share the grader's warm sandbox."""
    global _grader
    grader.warm()
    _grader = grader
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_become_worker) as pool:
        yield pool


def _become_worker() -> None:
    """What a worker does first: it keeps to one thread, leaves the sandbox to its parent, and does not outlive it."""
    torch.set_num_threads(1)
    this_worker()._own = False
    with suppress(AttributeError, OSError):  # Linux alone has it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def grade_class(
    grader: Grader,
    submissions: Iterable[Found],
    workers: int,
    *,
    again: bool = False,
    progress: Callable[[Result], None] = lambda result: None,
) -> Iterator[Result]:
    """Grade submissions on `workers` processes; results come in the order of the submissions, each as soon as it can.

    progress: called with each result when it is done, in any order
    """
    waiting = list(submissions)
    if workers <= 1 or len(waiting) <= 1:
        for found in waiting:
            result = grader.grade(found, again=again)
            progress(result)
            yield result
        return
    with worker_pool(grader, min(workers, len(waiting))) as pool:
        yield from in_order([pool.submit(_work, found, again) for found in waiting], waiting, grader, progress, again)


def grade_apart(grader: Grader, found: Found, again: bool) -> Result:
    """Grade one submission in a process of its own; where that ends too, the fault is ours and this submission's alone."""
    try:
        with worker_pool(grader, 1) as pool:
            return pool.submit(_work, found, again).result()
    except BrokenProcessPool as error:
        grader._note_fault(found, error)
        return grader._blank(found, "grader_error", "the grader's own process ended on this submission", time.monotonic())


def in_order(
    futures: list[Future[Result]], submissions: list[Found], grader: Grader, progress: Callable[[Result], None], again: bool
) -> Iterator[Result]:
    """Results in the order of `submissions` while their futures complete in any."""
    places = {future: place for place, future in enumerate(futures)}
    done: dict[int, Result] = {}
    following = 0
    for future in as_completed(futures):
        place = places[future]
        try:
            result = future.result()
        except BrokenProcessPool as error:
            log.warning("a grading process ended (%s); going on without it", error)
            result = grade_apart(grader, submissions[place], again)
        done[place] = result
        progress(result)
        while following in done:
            yield done.pop(following)
            following += 1
