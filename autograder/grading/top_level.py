"""Why a name is not there: the errors of a submission's top level, in the words of a message.

Everything in them is the submission's own claim: bounded, and believed for nothing but this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from autograder.sandbox.wire import printable

MOST = 20  # errors that are read
WORDS = 160  # characters of an error's own words
UNDEFINED = re.compile(r"name '(\w{1,60})' is not defined")
ADVICE = {
    "ModuleNotFoundError": "the grader does not have it, so what is graded must do without",
    "FileNotFoundError": "that file is not there while grading, so what is graded must do without",
    "EOFError": "nobody answers input() while grading: write the value into the code",
    "SyntaxError": "nothing of that cell runs until it is mended",
    "IndentationError": "nothing of that cell runs until it is mended",
    "TabError": "nothing of that cell runs until it is mended",
    "NameError": "restart the kernel and run all cells: it must work from top to bottom",
    "URLError": "there is no network while grading",
    "gaierror": "there is no network while grading",
    "ConnectionError": "there is no network while grading",
}
PYTHON_TWO = {
    "xrange": "range",
    "raw_input": "input",
    "unicode": "str",
    "basestring": "str",
    "long": "int",
    "unichr": "chr",
    "reduce": "functools.reduce",
    "cmp": "(a > b) - (a < b)",
}


@dataclass(frozen=True)
class TopLevelError:
    """A statement that failed. names: what it would have defined"""

    kind: str
    words: str
    where: str
    names: frozenset[str]

    def __str__(self) -> str:
        said = ": ".join(part for part in (self.kind, self.words) if part)
        place, _, _ = self.where.partition(": ")
        advice = ADVICE.get(self.kind, "")
        return f"{place or 'the top level'}: {said}" + (f" ({advice})" if advice else "")


def read_errors(told: Any) -> tuple[TopLevelError, ...]:
    """The errors in a reply to loading, in order."""
    return tuple(
        TopLevelError(
            kind=printable(error.get("type"), 80),
            words=printable(error.get("message"), WORDS),
            where=printable(error.get("where"), 80),
            names=names_in(error.get("binds")),
        )
        for error in (told if isinstance(told, list) else [])[:MOST]
        if isinstance(error, dict)
    )


def names_in(told: Any) -> frozenset[str]:
    names = told[:100] if isinstance(told, list) else []
    return frozenset(name for name in names if isinstance(name, str))


def why_missing(errors: tuple[TopLevelError, ...], name: str) -> str:
    """What stands behind "f is not defined": the error of its own definition, else the first."""
    own = next((error for error in errors if name in error.names), None)
    if own is not None:
        return f"; its definition failed: {own}"
    return f"; the first error above it: {errors[0]}" if errors else ""


def why_undefined(errors: tuple[TopLevelError, ...], message: str) -> str:
    """What stands behind a NameError of a call: why the name that it misses is not there."""
    found = UNDEFINED.search(message)
    if found is None:
        return ""
    name = found[1]
    own = next((error for error in errors if name in error.names), None)
    if own is not None:
        return f"; {name} is not there because of {own}"
    if name in PYTHON_TWO:
        return f"; {name} is Python 2's: in Python 3 it is {PYTHON_TWO[name]}"
    return ""
