"""Find and read what students handed in, without running a line of it.

    PATH                                  a module (.py), a notebook (.ipynb)
    PATH/<student>/<assignment>/...       or a folder in nbgrader's submitted layout

Everything here is hostile: bytes are bounded before they are parsed, parsed as data, and only
regular files are opened, of folders that are no links at that moment. No Python is parsed on this
side of the line, since there is code that takes the parser minutes: what is none is found out
behind it.
"""

from __future__ import annotations

import codecs
import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autograder.assignment import Assignment
from autograder.errors import AuthoringError, SubmissionError
from autograder.grading.demonstrations import Definition, definitions, needed

MAX_BYTES = 16 << 20  # a notebook with its pictures
MAX_DEPTH = 64
MAX_CONTAINERS = (
    250_000  # lists and objects in a notebook's JSON, so that few bytes do not become much memory
)
MAX_CELLS = 2000
MAX_SOURCE = 1 << 20  # characters of code, all cells together
COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")
ENCODINGS = re.compile(  # of text, and read in one pass
    r"(us-)?ascii|latin-?1|l1|iso-?8859-\d{1,2}|cp\d{3,4}|windows-125\d|mac-?roman|koi8-[rut]"
    r"|gbk|gb2312|gb18030|big5|shift-?jis|s?jis|euc-?(jp|kr)"
)
MAX_NAMES = 1000  # in a student's folder
RELEASED = re.compile(r"\.|conftest\.py|test_|kit_")  # hidden files, and the student kit's
WRAPPED = "`{name}` was handed in without a notebook of that name."  # all that `wrap` lays says
MOST_NAMED = 5  # files that a message names
HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair: JSON's decoder joins whole ones
CONFLICT = re.compile(r"^<{7}(?: |$)", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """A file that somebody handed in (`path`, which may not exist), and who."""

    path: Path
    student: str | None


@dataclass(frozen=True)
class Unit:
    """A piece of a submission that runs by itself: a module's statements, or one cell of a
    notebook.
    """

    kind: str
    source: str
    label: str


@dataclass(frozen=True)
class Submission:
    """What was handed in, as read: its units in order, and the digest of its bytes.

    round: which draw of the hidden inputs it meets (`rounds`)
    """

    units: tuple[Unit, ...]
    digest: str
    round: int = 0

    @property
    def text(self) -> str:
        """The code of all units."""
        return "\n".join(unit.source for unit in self.units)


def find(path: Path, slug: str) -> list[Found]:
    """The submissions at `path`, students in sorted order.

    A folder in which there is none stands for itself: what reads it says that it is `missing`.
    """
    if not os.path.isdir(path):
        return [Found(named(path), None)]
    if os.path.isdir(path / slug):
        return [Found(counts(path / slug, slug), path.absolute().name)]
    try:
        students = sorted(name for name in os.listdir(path) if not name.startswith("."))
    except OSError:
        students = []
    found = [
        Found(counts(path / name / slug, slug), name)
        for name in students
        if os.path.isdir(path / name / slug)
    ]
    return found or [Found(named(path), None)]


def named(path: Path) -> Path:
    """A file that a person has named, or one of the staff's: their folder may be a link."""
    return path.parent.resolve() / path.name if os.path.islink(path.parent) else path


@contextmanager
def opened(folder: Path, access: int = os.O_PATH) -> Iterator[int]:
    """A descriptor of a student's folder, in which names are looked up from now on: who may write
    beside it can make it a link to somebody else's at any time. OSError where it is one already.

    access: O_RDONLY for a descriptor that can be listed, for which the folder must be readable
    """
    descriptor = os.open(folder, access | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def counts(folder: Path, slug: str) -> Path:
    """Which file of a student's folder counts: the notebook, else the module. A notebook without
    code beside another file does not. Where neither is there by its name, one of that name in
    capitals counts, else the only notebook, else the only module: browsers and people rename files.

    Of a folder that is a link to somewhere else, nothing counts: the link is what was handed in,
    and it is no regular file.
    """
    if os.path.islink(folder):
        return folder
    notebook, module = folder / f"{slug}.ipynb", folder / f"{slug}.py"
    if os.path.lexists(notebook) and not _without_code(notebook):
        return notebook
    if os.path.lexists(module):
        return module
    return renamed(folder, slug) or notebook


def renamed(folder: Path, slug: str) -> Path | None:
    """The file of another name that counts, where neither the notebook nor the module has code."""
    return _only_other(folder, {f"{slug}.ipynb", f"{slug}.py"})


def _only_other(folder: Path, known: set[str]) -> Path | None:
    """The only notebook of a folder, else its only module, beside `known` and what was released;
    where some have a name of `known` in capitals, of those alone.
    """
    try:
        with opened(folder, os.O_RDONLY) as place, os.scandir(place) as entries:
            names = {entry.name for entry in islice(entries, MAX_NAMES + 1)} - known
    except OSError:
        return None
    if len(names) >= MAX_NAMES:
        return None
    by_name = {name.casefold() for name in known}
    names = {name for name in names if name.casefold() in by_name} or names
    for ending in (".ipynb", ".py"):
        there = [name for name in names if name.casefold().endswith(ending)]
        found = [name for name in there if not RELEASED.match(name)]
        if len(found) == 1:
            return folder / found[0]
        if found:
            return None
    return None


def _without_code(notebook: Path) -> bool:
    try:
        return not read(notebook).units
    except SubmissionError as error:
        return error.status == "missing"


NotRun = Mapping[str, Sequence[Definition]]


def read(path: Path, skip: NotRun = MappingProxyType({})) -> Submission:
    """Read one submission; SubmissionError with the status that says why where it cannot be.

    skip: `ReleasedCells.not_run`
    """
    data = read_bytes(path)
    digest = hashlib.sha256(data).hexdigest()
    text = text_of(data, path)
    if is_notebook(path):
        cells = notebook_cells(text, path)
        if not cells and is_wrapped(text, path):
            raise SubmissionError("missing", f"there is no file {path.name}{_beside(path)}")
        units = list(units_of(cells, skip))
    else:
        bound_code(len(text), path)
        units = [Unit("statements", text, "")]
    return Submission(tuple(units), digest)


def is_notebook(path: Path) -> bool:
    """Whether a file is a notebook, by its name; old systems write it in capitals."""
    return path.suffix.casefold() == ".ipynb"


def units_of(cells: Sequence[tuple[int, str]], skip: NotRun) -> Iterator[Unit]:
    """The cells that are run; and of a demonstration, what the others name of its definitions."""
    left_out = [skip.get(normalised(source)) for _, source in cells]
    texts = [source for (_, source), one in zip(cells, left_out, strict=True) if one is None]
    parts = iter(needed(texts, [one for one in left_out if one is not None]))
    for (number, source), one in zip(cells, left_out, strict=True):
        code = source if one is None else "\n".join(next(parts))
        if code:
            yield Unit("cell", code, str(number))


def is_wrapped(text: str, path: Path) -> bool:
    """Whether a notebook is what the gradebook lays where none was handed in (`rebuild.wrap`)."""
    said = [source_of(cell) for cell in notebook_parts(text, path)]
    return said == [WRAPPED.format(name=path.stem)]


def _beside(path: Path) -> str:
    """What a student's folder holds in place of the file that is looked for, as words."""
    if path.parent.name != path.stem:  # no folder of nbgrader's layout
        return ""
    try:
        with opened(path.parent, os.O_RDONLY) as place, os.scandir(place) as entries:
            there = [f"{one.name}{'/' * one.is_dir()}" for one in islice(entries, MAX_NAMES)]
    except OSError:
        return ""
    ours = {path.name, "timestamp.txt"}
    names = [name for name in sorted(there) if name not in ours and not RELEASED.match(name)]
    if not names:
        return "; the folder is empty"
    said = ", ".join(names[:MOST_NAMED])
    said = "".join(one if one.isprintable() else "?" for one in said[: MOST_NAMED * 60])
    return f"; the folder holds {said}" + (", ..." if len(names) > MOST_NAMED else "")


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file of bounded size; neither it nor its folder may be a link."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with opened(path.parent) as place:
            descriptor = os.open(path.name or ".", flags, dir_fd=place)
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode) and path.suffix not in (".py", ".ipynb"):
                said = "has no submission in it: no folder <student>/<assignment>/"
                raise SubmissionError("missing", f"the folder {path.name} {said}")
            if not stat.S_ISREG(mode):
                raise SubmissionError("unreadable", f"{path.name} is not a regular file")
            data = _read_at_most(descriptor, MAX_BYTES + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise SubmissionError("missing", f"there is no file {path.name}{_beside(path)}") from None
    except (OSError, ValueError) as error:
        reason = "its folder is a link" if os.path.islink(path.parent) else _reason(error)
        raise SubmissionError("unreadable", f"{path.name} cannot be opened ({reason})") from None
    if len(data) > MAX_BYTES:
        raise SubmissionError(
            "unreadable", f"{path.name} is larger than {MAX_BYTES >> 20} MiB; clear its outputs"
        )
    return data


def _read_at_most(descriptor: int, count: int) -> bytes:
    data = bytearray()
    while len(data) < count and (part := os.read(descriptor, count - len(data))):
        data += part
    return bytes(data)


def _reason(error: OSError | ValueError) -> str:
    number = getattr(error, "errno", None)
    return (
        "it is a link" if number == errno.ELOOP else getattr(error, "strerror", None) or str(error)
    )


def text_of(data: bytes, path: Path) -> str:
    """The text of a file: UTF-8, or what the first lines of a module say that it is (PEP 263)."""
    module = path.suffix.casefold() == ".py"
    encoding = declared_encoding(data, path) if module else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        name = "UTF-8" if encoding == "utf-8-sig" else encoding
        raise SubmissionError(
            "unreadable", f"{path.name} is not {name} (byte {error.start})"
        ) from None
    if "\0" in text:
        raise SubmissionError("unreadable", f"{path.name} holds null bytes")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def declared_encoding(data: bytes, path: Path) -> str:
    """The encoding that a module's first two lines declare; SubmissionError for one that is not
    read here.
    """
    for line in data.removeprefix(b"\xef\xbb\xbf").splitlines()[:2]:
        if declared := COOKIE.match(line):
            name = declared[1].decode("ascii").lower().replace("_", "-")  # \w of bytes is ASCII
            # as Python's tokenizer reads them: editors write behind them how lines end
            if name in ("utf-8", "utf8", "u8") or name.startswith("utf-8-"):
                return "utf-8-sig"
            if f"{name}-".startswith(("latin-1-", "iso-8859-1-", "iso-latin-1-")):
                return "iso8859-1"
            if ENCODINGS.fullmatch(name):
                with suppress(LookupError):
                    return codecs.lookup(name).name
            said = f"{path.name} declares the encoding {name[:40]}, which is not read"
            raise SubmissionError("unreadable", f"{said}; save it as UTF-8")
        if not BLANK.match(line):
            break
    return "utf-8-sig"


def bound_code(characters: int, path: Path) -> None:
    if characters > MAX_SOURCE:
        raise SubmissionError(
            "unreadable", f"{path.name} holds more than {MAX_SOURCE >> 20} Mi characters of code"
        )


def notebook_cells(text: str, path: Path) -> list[tuple[int, str]]:
    """The code cells of a notebook of format 3 or 4, numbered among all cells from 1. Nothing else
    of it is believed.
    """
    cells = [
        (number, cell)
        for number, cell in enumerate(notebook_parts(text, path), start=1)
        if cell.get("cell_type") == "code"
    ]
    sources = [(number, source_of(cell)) for number, cell in cells]
    bound_code(sum(len(source) for _, source in sources), path)
    return [(number, source) for number, source in sources if source.strip()]


def notebook_parts(text: str, path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook as bounded plain dictionaries."""
    if not modest(text):
        raise SubmissionError(
            "unreadable", f"{path.name} is nested too deep, or in too many parts, to be a notebook"
        )
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = f"{path.name} is not a notebook ({str(error)[:100]})"
        if CONFLICT.search(text):
            why = f"{path.name} holds a merge conflict (<<<<<<<): keep one of the two versions"
        raise SubmissionError("unreadable", why) from None
    if not isinstance(notebook, dict):
        raise SubmissionError("unreadable", f"{path.name} is not a notebook")
    cells = notebook.get("cells")
    if cells is None:  # format 3
        sheets = notebook.get("worksheets")
        first = sheets[0] if isinstance(sheets, list) and sheets else None
        cells = first.get("cells") if isinstance(first, dict) else None
    if not isinstance(cells, list):
        raise SubmissionError(
            "unreadable", f"{path.name} is not a notebook: it has no list of cells"
        )
    if len(cells) > MAX_CELLS:
        raise SubmissionError("unreadable", f"{path.name} has more than {MAX_CELLS} cells")
    return [cell for cell in cells if isinstance(cell, dict)]


def source_of(cell: dict[str, Any]) -> str:
    """A cell's text, whichever of the formats' ways it is kept in; "" where it is none.

    Half a character, as an editor may leave of an emoji, is what a browser makes of it before a
    kernel sees it: Python compiles none, and no notebook can be written with one.
    """
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return HALF.sub("\ufffd", source.replace("\0", "")) if isinstance(source, str) else ""


STRING = re.compile(
    r'"[^"\\]*+(?:\\(?:.|\Z)[^"\\]*+)*+(?:"|\Z)', re.DOTALL
)  # one that is never closed goes on to the end
BRACKET = re.compile(r"[\[\]{}]")


def modest(text: str) -> bool:
    """Whether the brackets of JSON text nest and number within the bounds, counted without building
    anything.
    """
    depth = opened = 0
    for bracket in BRACKET.finditer(STRING.sub("", text)):
        opens = bracket[0] in "[{"
        depth, opened = depth + (1 if opens else -1), opened + opens
        if depth > MAX_DEPTH or opened > MAX_CONTAINERS or depth < 0:
            return False
    return True


def normalised(source: str) -> str:
    """A cell's text without what an editor may change by itself."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


@dataclass(frozen=True)
class ReleasedCells:
    """The cells of the notebook that students received, as normalised texts.

    texts: of all cells
    not_run: those that are not run where a student left them as they were, demonstrations and check
        cells, with what they define
    """

    texts: frozenset[str] = frozenset()
    not_run: NotRun = field(default_factory=dict)

    def has(self, source: str) -> bool:
        """Whether a cell is as released."""
        return normalised(source) in self.texts


def released_cells(assignment: Assignment) -> ReleasedCells:
    """The cells of an assignment's released notebook; none where it is not released. AuthoringError
    where it is no notebook any more.
    """
    if not assignment.notebook.is_file():
        return ReleasedCells()
    texts, not_run = set(), {}
    try:
        cells = json.loads(assignment.notebook.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError) as error:
        mend = f"Make it anew: autograder release {assignment.slug}"
        raise AuthoringError(assignment.notebook, f"is no notebook ({error!r})", mend) from None
    for cell in cells:
        text = normalised(source_of(cell))
        texts.add(text)
        metadata = cell.get("metadata", {})
        marked = "setup" in metadata.get("tags", ()) or metadata.get("nbgrader", {}).get(
            "solution", False
        )
        if cell["cell_type"] == "code" and not marked:
            not_run[text] = definitions(source_of(cell))
    return ReleasedCells(frozenset(texts), not_run)
