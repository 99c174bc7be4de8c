"""Which draw of the hidden inputs a submission meets.

    course/rounds/<assignment>.log      one event a line, oldest first

    2026-03-01T18:00:00Z handed-in <SHA-256 of the bytes>
    2026-03-08T09:00:00Z feedback

A function sees the inputs that it is called with, and feedback shows something of what it did. So
the first bytes that nobody had handed in before feedback went out begin a new round, with inputs of
its own. Bytes keep the round in which they were first seen, and so their result. The log alone
decides: whoever grades with it grades alike.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from pathlib import Path

log = logging.getLogger(__name__)
HANDED_IN, FEEDBACK = "handed-in", "feedback"


def secret_of(secret: str, number: int) -> str:
    """What the hidden inputs of a round derive from; of round 0, the course's secret itself."""
    if number == 0:
        return secret
    return hashlib.sha256(f"{secret}\0round {number}".encode()).hexdigest()


class Rounds:
    """The rounds of one assignment, as its log tells them. file: the log, made when there is
    something to write. writes: False for one that goes on as if it wrote
    """

    def __init__(self, file: Path, *, writes: bool = True) -> None:
        self._file, self._writes = file, writes
        self._read_to = 0  # bytes
        self._kept = True
        self._begin()

    def _begin(self) -> None:
        self._seen: dict[str, int] = {}
        self._number, self._closed = 0, False

    def of(self, digest: str) -> int:
        """The round of the bytes with this digest. Where it is their first time, the log says so
        from then on.
        """
        if digest not in self._seen:
            self._catch_up()
        if digest not in self._seen:
            self._enter(f"{HANDED_IN} {digest}")
        return self._seen.get(digest, self._number)

    def known(self, digest: str) -> int:
        """The round of these bytes for those who only look: 0 where nobody has handed them in."""
        if digest not in self._seen:
            self._catch_up()
        return self._seen.get(digest, 0)

    def close(self) -> None:
        """Feedback goes out: what nobody has handed in yet belongs to the next round."""
        self._catch_up()
        if not self._closed:
            self._enter(FEEDBACK)

    def _catch_up(self) -> None:
        """Take in what the log says that was not read yet, other processes' lines included."""
        try:
            with self._file.open("rb") as handle:
                if os.fstat(handle.fileno()).st_size < self._read_to:  # another log lies there now
                    self._begin()
                    self._read_to = 0
                handle.seek(self._read_to)
                whole, newline, _ = handle.read().rpartition(b"\n")
        except OSError:  # there is none yet; or writing will say what is wrong
            return
        self._read_to += len(whole) + len(newline)
        for line in whole.decode("ascii", errors="replace").splitlines():
            self._take_in(line.partition(" ")[2])

    def _take_in(self, event: str) -> None:
        kind, _, digest = event.partition(" ")
        if kind == FEEDBACK:
            self._closed = True
        elif kind == HANDED_IN and digest and digest not in self._seen:
            self._number += self._closed
            self._closed = False
            self._seen[digest] = self._number

    def _enter(self, event: str) -> None:
        """Append an event, and take it in where it came to stand; where the log cannot be written,
        say so once, and go on as if it could.
        """
        if not self._writes:
            self._take_in(event)
            return
        try:
            self._append(event)
            self._catch_up()
        except OSError as error:
            if self._kept:
                what = "%s cannot be written (%s): who hands in anew may meet old inputs"
                log.warning(what, self._file, error.strerror)
            self._kept = False
            self._take_in(event)

    def _append(self, event: str) -> None:
        line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {event}\n".encode()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._file, flags, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":  # a line that was cut short
                line = b"\n" + line
            os.write(descriptor, line)  # one write: lines of two processes do not mix
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
