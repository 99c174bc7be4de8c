"""A process of its own on another machine that grades one submission after another.

Dask runs tasks in threads. A grader forks, sets limits and runs pytest, for which a thread among
others is no place; so each task goes through one of these. It boots before it knows by what it is
to grade, and says when it has; then the first line of its standard input says by what, and each
further one is a submission, answered on what was standard output. It does not outlive its worker.
"""

from __future__ import annotations

import base64
import ctypes
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

START = [sys.executable, "-m", __name__]
BOOTED = "booted\n"
PR_SET_PDEATHSIG = 1  # prctl(2)
BOOTS = 600.0  # seconds until it must have booted, where what it loads comes over a network
log = logging.getLogger(__name__)


class NodeEnded(Exception):
    """The process ended without an answer."""


class Node:
    """The end of whoever asks. isolation: of the sandbox that it starts"""

    def __init__(self, isolation: str) -> None:
        self._process = subprocess.Popen(
            [*START, isolation],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",  # as `main` writes, whatever the locale of this machine
        )
        self._first: str | None = None  # of its lines: that it has booted, or why it has not
        self._folder: str | None = None  # where it unpacks what it grades by, once it was told

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait(self) -> str:
        """Until it has booted, or ended. Gives its word on that."""
        if self._first is None:
            with self._ended_after(BOOTS):
                self._first = self._line()
        return self._first

    def ask(self, submission: bytes, parcel: Path, seconds: float) -> str:
        """The result of a submission, as JSON.

        parcel: a file that holds what it is graded by, the same each time, beside which it may be
            unpacked
        seconds: what that may take; NodeEnded where it takes longer
        NodeEnded as well where there is no room to unpack that
        """
        answer = self.wait()
        if answer == BOOTED:
            with self._ended_after(seconds):
                self._tell(submission, parcel)
                answer = self._line()
        if not answer.endswith("\n"):
            self.close()
            raise NodeEnded(f"exit status {self._process.returncode}")
        return answer

    def _tell(self, submission: bytes, parcel: Path) -> None:
        """Hand a submission over, the first time with what it is graded by."""
        assert self._process.stdin is not None
        told = self._folder is not None
        if self._folder is None:
            self._folder = self._room(parcel)
        with suppress(OSError):  # one that has ended may have said why
            if not told:
                print(json.dumps([str(parcel), self._folder]), file=self._process.stdin)
            text = base64.b64encode(submission).decode("ascii")
            print(text, file=self._process.stdin, flush=True)

    def _room(self, parcel: Path) -> str:
        """A new folder beside the parcel."""
        try:
            return tempfile.mkdtemp(dir=parcel.parent)
        except OSError as error:  # a full disk, or the client has gone
            self.close()
            raise NodeEnded(str(error)) from None

    @contextmanager
    def _ended_after(self, seconds: float) -> Iterator[None]:
        """End it where the block takes longer: what waits for its word then goes on."""

        def end() -> None:
            log.warning("a grading process has not answered for %.0f s; it is ended", seconds)
            self._process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _line(self) -> str:
        """What it says next; "" where it has ended."""
        assert self._process.stdout is not None
        with suppress(OSError):
            return self._process.stdout.readline()
        return ""

    def close(self) -> None:
        """End it; nothing that it unpacked is left."""
        self._process.kill()
        self._process.communicate()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def main() -> None:
    """Grade until nobody asks any more. argv: the isolation"""
    from autograder.errors import AutograderError
    from autograder.sandbox.process import Sandbox

    with suppress(AttributeError, OSError):  # Linux alone has it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what else prints goes to the log of whoever started this
    logging.basicConfig(level=logging.WARNING)
    try:
        with ExitStack() as stack:
            starting = Sandbox.begin(sys.argv[1])
            stack.callback(starting.end)

            from autograder.cluster.parcel import Parcel, from_bytes, unpack
            from autograder.grading.faults import faults
            from autograder.grading.grader import load
            from autograder.grading.submission import Found

            faults.addHandler(logging.StreamHandler())  # the course's log is elsewhere
            load()  # while the sandbox boots
            sandbox = stack.enter_context(starting.ready())
            print(BOOTED, end="", file=answers, flush=True)
            told = sys.stdin.readline()
            if not told:
                return
            file, folder = map(Path, json.loads(told))
            value: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            parcel = Parcel(**value | {"archive": base64.b64decode(value["archive"])})
            grader = stack.enter_context(closing(unpack(parcel, folder)))
            grader.sandbox = sandbox
            for line in sys.stdin:
                submission = from_bytes(base64.b64decode(line))
                result = grader.grade(Found(Path("submission"), None), submission)
                print(result.dumps(), file=answers, flush=True)
    except AutograderError as error:
        print(json.dumps({"refused": str(error)}), file=answers, flush=True)


def as_json(parcel: Any) -> str:
    """A parcel as `main` reads it."""
    return json.dumps(
        asdict(parcel) | {"archive": base64.b64encode(parcel.archive).decode("ascii")}
    )


if __name__ == "__main__":
    main()
