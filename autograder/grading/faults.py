"""The log of the grader's own faults: their tracebacks, for whoever keeps the course."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

faults = logging.getLogger("autograder.faults")  # a command hands it the course's log file
faults.propagate = False
faults.addHandler(logging.NullHandler())


@contextmanager
def faults_in(file: Path) -> Iterator[None]:
    """Write the tracebacks of the grader's own faults into a log file while this lasts."""
    handler = FaultFile(file)
    faults.addHandler(handler)
    try:
        yield
    finally:
        faults.removeHandler(handler)
        handler.close()


class FaultFile(logging.FileHandler):
    """A log file that is made when there is something to write; where that cannot be done, grading
    goes on.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(file, delay=True, encoding="utf-8", errors="backslashreplace")
        self.setFormatter(logging.Formatter("--- %(asctime)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Nothing: a full disk must not end a grading."""
