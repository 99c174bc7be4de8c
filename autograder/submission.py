"""Find and read what students handed in, without running a line of it.

    PATH                                  a module (.py), a notebook (.ipynb)
    PATH/<student>/<assignment>/...       or a folder in nbgrader's submitted layout

Everything here is hostile: bytes are bounded before they are parsed, parsed as data, and only regular files are opened.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.errors import SubmissionError, UsageError

MAX_BYTES = 16 << 20  # a notebook with its pictures
MAX_DEPTH = 64
MAX_CELLS = 2000
MAX_SOURCE = 1 << 20  # characters of code, all cells together


@dataclass(frozen=True)
class Found:
    """A file that somebody handed in (`path`, which may not exist), and who."""

    path: Path
    student: str | None


@dataclass(frozen=True)
class Unit:
    """A piece of a submission that runs by itself: a module's statements, or one cell of a notebook."""

    kind: str
    source: str
    label: str


@dataclass(frozen=True)
class Source:
    """A submission as read: its units in order, and the digest of its bytes."""

    units: tuple[Unit, ...]
    digest: str

    @property
    def text(self) -> str:
        """All code of the submission, for remarks; never run by the grader."""
        return "\n".join(unit.source for unit in self.units)


def find(path: Path, slug: str) -> list[Found]:
    """The submissions at `path`, students in sorted order."""
    if not path.is_dir():
        return [Found(path, None)]
    if (path / slug).is_dir() and not path.is_symlink():
        return [Found(counts(path / slug, slug), path.name)]
    students = sorted(name for name in os.listdir(path) if (path / name).is_dir() and not name.startswith("."))
    found = [Found(counts(path / name / slug, slug), name) for name in students if (path / name / slug).is_dir()]
    if not found:
        raise UsageError(f"no submission of {slug} in {path}: it holds no folder <student>/{slug}/.")
    return found


def counts(folder: Path, slug: str) -> Path:
    """Which file of a student's folder counts: the notebook, else the module. A notebook without code beside a module does not."""
    notebook, module = folder / f"{slug}.ipynb", folder / f"{slug}.py"
    if os.path.lexists(module) and (not os.path.lexists(notebook) or _without_code(notebook)):
        return module
    return notebook


def _without_code(notebook: Path) -> bool:
    try:
        return not read(notebook).units
    except SubmissionError:
        return False


def read(path: Path, skip: frozenset[str] = frozenset()) -> Source:
    """Read one submission; SubmissionError with the status that says why where it cannot be.

    skip: normalised sources of cells that are not run (those of the handout that the student left unchanged)
    """
    data = read_bytes(path)
    digest = hashlib.sha256(data).hexdigest()
    text = decode(data, path)
    if path.suffix == ".ipynb":
        cells = notebook_cells(text, path)
        units = [Unit("cell", source, str(number)) for number, source in cells if normalised(source) not in skip]
    else:
        parse_module(text, path)
        units = [Unit("statements", text, "")]
    return Source(tuple(units), digest)


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file of bounded size, without following a link in its last place."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise SubmissionError("missing", f"there is no file {path.name}") from None
    except (OSError, ValueError) as error:
        raise SubmissionError(
            "unreadable", f"{path.name} cannot be opened ({getattr(error, 'strerror', None) or error})"
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SubmissionError("unreadable", f"{path.name} is not a regular file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise SubmissionError("unreadable", f"{path.name} is larger than {MAX_BYTES >> 20} MiB; clear its outputs")
    return data


def decode(data: bytes, path: Path) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SubmissionError("unreadable", f"{path.name} is not UTF-8 (byte {error.start})") from None
    if "\0" in text:
        raise SubmissionError("unreadable", f"{path.name} holds null bytes")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_module(text: str, path: Path) -> None:
    """Fail unless `text` is Python. Parsing builds a tree and runs nothing."""
    if len(text) > MAX_SOURCE:
        raise SubmissionError("unreadable", f"{path.name} holds more than {MAX_SOURCE >> 20} Mi characters of code")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        message = f"{path.name} is not Python: line {error.lineno}: {error.msg}"
        raise SubmissionError("unreadable", message) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SubmissionError("unreadable", f"{path.name} is not Python ({type(error).__name__})") from None


def notebook_cells(text: str, path: Path) -> list[tuple[int, str]]:
    """The code cells of a notebook of format 3 or 4, numbered among all cells from 1. Nothing else of it is believed."""
    cells = [(number, cell) for number, cell in enumerate(notebook_parts(text, path), start=1) if cell.get("cell_type") == "code"]
    sources = [(number, source_of(cell)) for number, cell in cells]
    if sum(len(source) for _, source in sources) > MAX_SOURCE:
        raise SubmissionError("unreadable", f"{path.name} holds more than {MAX_SOURCE >> 20} Mi characters of code")
    return [(number, source) for number, source in sources if source.strip()]


def notebook_parts(text: str, path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook as bounded plain dictionaries."""
    if depth_of(text) > MAX_DEPTH:
        raise SubmissionError("unreadable", f"{path.name} is nested too deep to be a notebook")
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SubmissionError("unreadable", f"{path.name} is not a notebook ({str(error)[:100]})") from None
    if not isinstance(notebook, dict):
        raise SubmissionError("unreadable", f"{path.name} is not a notebook")
    cells = notebook.get("cells")
    if cells is None:  # format 3
        sheets = notebook.get("worksheets")
        first = sheets[0] if isinstance(sheets, list) and sheets else None
        cells = first.get("cells") if isinstance(first, dict) else None
    if not isinstance(cells, list):
        raise SubmissionError("unreadable", f"{path.name} is not a notebook: it has no list of cells")
    if len(cells) > MAX_CELLS:
        raise SubmissionError("unreadable", f"{path.name} has more than {MAX_CELLS} cells")
    return [cell for cell in cells if isinstance(cell, dict)]


def source_of(cell: dict[str, Any]) -> str:
    """A cell's text, whichever of the formats' ways it is kept in; "" where it is none."""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source.replace("\0", "") if isinstance(source, str) else ""


def depth_of(text: str) -> int:
    """How deep brackets nest in JSON text, counted without building anything."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def normalised(source: str) -> str:
    """A cell's text without what an editor may change by itself."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def unchanged_cells(assignment: Assignment) -> frozenset[str]:
    """The released notebook's cells that are not run where a student left them as they were: demonstrations and check cells."""
    notebook = assignment.released / f"{assignment.slug}.ipynb"
    if not notebook.is_file():
        return frozenset()
    skipped = set()
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        metadata = cell.get("metadata", {})
        marked = "setup" in metadata.get("tags", ()) or metadata.get("nbgrader", {}).get("solution", False)
        if cell["cell_type"] == "code" and not marked:
            skipped.add(normalised(source_of(cell)))
    return frozenset(skipped)
