"""How the command ends: where something is wrong in one line, and always at once."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any

from typer.core import TyperGroup

from autograder.errors import AutograderError, UsageError, words_of_the_database

LONGEST = 10_000  # characters of a line in which a command says why it ended


class Commands(TyperGroup):
    """All commands: errors of the kit end in one clear line and exit status 2 (bad usage) or 1; so
    do those of `--version` and `--help`, which print while options are read.
    """

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with in_one_line():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with in_one_line():
            return super().invoke(ctx)


@contextmanager
def in_one_line() -> Iterator[None]:
    """Say errors of the kit and of the system in one line, and end the command."""
    try:
        yield
    except UsageError as error:
        raise failed(error, 2) from None
    except (AutograderError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # `autograder ... | head`
            nobody_reads()
            raise SystemExit(1) from None
        raise failed(told(error), 1) from None
    except Exception as error:
        if not is_of_the_gradebook(error):
            raise
        why = words_of_the_database(error)
        mend = "Is it busy, or broken? What was graded is kept."
        raise failed(f"the gradebook cannot be read or written ({why}). {mend}", 1) from None
    except KeyboardInterrupt:
        note = "interrupted; what was graded is kept, run the same command to go on"
        raise failed(note, 130) from None


def is_of_the_gradebook(error: Exception) -> bool:
    """Whether an error is one of the database's, which most commands never load."""
    database = sys.modules.get("sqlalchemy.exc")
    return database is not None and isinstance(error, database.SQLAlchemyError)


def told(error: Exception) -> str:
    """An error in a line: of the system's, the file and what is wrong with it."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):  # of a folder's copy
        return str(error.args[0][0][2])  # what happened to the first file of several
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def failed(why: object, status: int) -> SystemExit:
    """Say why on standard error, where a student's words may be in it; gives what ends the
    command.
    """
    print("\n".join(map(printable, f"autograder: {why}".split("\n"))), file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        nobody_reads()
    return SystemExit(status)


def printable(line: str) -> str:
    """A line, indented as it is, without what a terminal takes for more than a character."""
    from autograder.report import clean

    indented = len(line) - len(line.lstrip(" "))
    return " " * indented + clean(line, LONGEST)


def nobody_reads() -> None:
    """Standard output is closed, or full."""
    from autograder.steps import silence_standard_output

    silence_standard_output()


def settle_streams() -> None:
    """Have standard streams that take whatever is said. One that was closed goes nowhere: a file or
    socket in its place would be taken for it. Where a terminal has no such character, it is "?".
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for place, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(place, "w" if place else "r", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


class Ending:
    """Ends the process. status: what it ends with; None where it ends in some other way"""

    status: object = None

    def __call__(self) -> None:
        if not isinstance(self.status, int):
            return
        if "logging" in sys.modules:  # else nothing was logged
            sys.modules["logging"].shutdown()
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):
            return  # Python says so, and ends
        os._exit(self.status)
