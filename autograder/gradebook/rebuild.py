"""What a student handed in, as the released notebook with their answers in it.

nbgrader never parses a submission. Of a notebook, the answers are found by nbgrader's names of the
cells; of a module, and of a notebook that lost those names, by the function that a cell asks for.
Other code stands after them. All of it is text: outputs, metadata, raw cells and HTML of the
student's are left behind; of an answer's attachments, pictures stay (`answers`). What would take a
page too long is shown plainly (`rendering`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.assignment import Assignment
from autograder.errors import SubmissionError
from autograder.gradebook.answers import MAX_CODE, Pictures, plain, shown, tidy
from autograder.gradebook.rendering import Text, renderable
from autograder.grading.submission import (
    WRAPPED,
    ReleasedCells,
    counts,
    is_notebook,
    normalised,
    notebook_parts,
    opened,
    read,
    read_bytes,
    released_cells,
    source_of,
    text_of,
)

ANEW = "defined_anew"  # in the metadata of other code: functions that it defines after their cells
MAX_OTHER_CODE = 200_000  # characters of the code that a page shows after the answers
QUOTES = re.compile(r'"""|\'\'\'')


def wrap(folder: Path, slug: str) -> Path | None:
    """Lay a notebook without code into a student's folder that has none of the assignment's name,
    since nbgrader passes over students who have no notebook; gives it if it was laid.

    The notebook carries no answer: beside anything else that counts, it does not.
    """
    name, text = f"{slug}.ipynb", nbformat.writes(wrapper(slug)) + "\n"
    try:
        with opened(folder) as place:
            return folder / name if _lay(place, name, text) else None
    except (FileNotFoundError, NotADirectoryError):  # there is no folder, or a link
        return None


def _lay(place: int, name: str, text: str) -> bool:
    """Write a file into a folder, given by a descriptor, whole or not at all; says whether there
    was none of that name.
    """
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=place, follow_symlinks=False)
        return False
    begun = f".{name}.{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with open(os.open(begun, flags, 0o644, dir_fd=place), "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(begun, name, src_dir_fd=place, dst_dir_fd=place)
    except OSError:
        with suppress(OSError):
            os.unlink(begun, dir_fd=place)
        raise
    return True


def wrapper(name: str) -> NotebookNode:
    """A notebook without code, that says what it stands for."""
    cell = nbformat.v4.new_markdown_cell(WRAPPED.format(name=name), id="handed-in")
    return nbformat.v4.new_notebook(cells=[cell])


def handed_in(notebook: Path, assignment: Assignment) -> Path:
    """The file that counts in the folder of `notebook`: that notebook, or the module beside it."""
    return (
        counts(notebook.parent, assignment.slug) if notebook.stem == assignment.slug else notebook
    )


def rebuild(
    assignment: Assignment, path: Path, released: NotebookNode | None = None
) -> NotebookNode:
    """The released notebook with the answers of the submission at `path`; the released one where
    that cannot be read.

    released: that notebook, read already; the answers are put into it
    """
    notebook = nbformat.read(assignment.notebook, as_version=4) if released is None else released
    try:
        answers = list(student_cells(path))
    except SubmissionError:
        return notebook
    fill(notebook, answers, released_cells(assignment))
    return notebook


@dataclass(frozen=True)
class Answer:
    """A cell of a submission as bounded text. id: nbgrader's, "" where it has none

    attachments: what the cell carries beside its text, unchecked
    """

    id: str
    kind: str
    source: str
    attachments: Any = None


def student_cells(path: Path) -> Iterator[Answer]:
    """A submission's code and Markdown cells."""
    if not is_notebook(path):
        yield Answer("", "code", "\n".join(unit.source for unit in read(path).units))
        return
    for cell in notebook_parts(text_of(read_bytes(path), path), path):
        metadata = cell.get("metadata")
        settings = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        identifier = settings.get("grade_id") if isinstance(settings, dict) else None
        kind = cell.get("cell_type")
        if kind in ("code", "markdown"):
            named = identifier if isinstance(identifier, str) else ""
            yield Answer(named, str(kind), source_of(cell), cell.get("attachments"))


@dataclass
class Other:
    """Code of a submission beside its answers. after: the answers that stood above it"""

    source: str
    after: tuple[str, ...]


def fill(notebook: NotebookNode, answers: list[Answer], released: ReleasedCells) -> None:
    """Put answers into the solution cells of a released notebook, and other code that the student
    wrote after them.
    """
    solutions = {
        cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if _is_solution(cell)
    }
    pictures = Pictures()
    answered, written = set(), []
    given: list[str] = []  # the names of those that are written
    extra: list[Other] = []
    for answer in answers:
        cell = solutions.get(answer.id)
        if cell is not None and answer.id not in answered:
            answered.add(answer.id)
            if _answer(cell, answer, pictures):
                written.append(cell)
                given.append(answer.id)
        elif answer.kind == "code" and answer.source.strip() and not released.has(answer.source):
            extra.append(Other(answer.source, tuple(given)))
    unanswered = {
        name: cell
        for name, cell in solutions.items()
        if cell.cell_type == "code" and not any(cell is other for other in written)
    }
    for name, cell in unanswered.items():
        if found := _take(extra, name):
            cell.source = tidy(found, MAX_CODE)
            written.append(cell)
    written += _append(notebook, [other for other in extra if other.source.strip()])
    _bound_rendering(written)


def _take(others: list[Other], name: str) -> str | None:
    """Take the last definition of a function or class out of some code, for its answer cell."""
    for other in reversed(others):
        lines = other.source.split("\n")
        if span := definition(lines, name):
            found = "\n".join(lines[slice(*span)]).rstrip()
            other.source = "\n".join(lines[: span[0]] + lines[span[1] :])
            return found
    return None


def definition(lines: list[str], name: str) -> tuple[int, int] | None:
    """The first line of the last top-level definition of `name`, and the one after its last; None
    where there is none.

    Found by the form of the lines, in one pass, and not by a parser, which some texts keep busy
    for minutes. It is for showing alone: a wrong guess moves a line, and loses none.
    """
    begins = re.compile(rf"(?:async[ \t]+def|def|class)[ \t]+{re.escape(name)}\b")
    starts = [number for number, line in enumerate(lines) if begins.match(line)]
    if not starts:
        return None
    first = last = starts[-1]
    while first > 0 and lines[first - 1].startswith(("@", "#")):
        first -= 1
    quoted = ""
    for number in range(starts[-1], len(lines)):
        line = lines[number]
        inside = bool(quoted) or number == starts[-1] or line[:1] in (" ", "\t", ")", "]", "}")
        if line.strip() and not inside and not line.startswith("#"):
            break
        if inside and line.strip():
            last = number
        for mark in QUOTES.findall(line):
            quoted = mark if not quoted else ("" if mark == quoted else quoted)
    return first, last + 1


def _append(notebook: NotebookNode, others: list[Other]) -> list[NotebookNode]:
    """The other code cells of a submission, as many as a page may have; gives the cells."""
    if others:
        heading = "### Other code cells of this submission"
        notebook.cells.append(nbformat.v4.new_markdown_cell(heading, id="other-code"))
    cells: list[NotebookNode] = []
    room = MAX_OTHER_CODE
    for number, other in enumerate(others):
        source = other.source
        text = tidy(source, min(MAX_CODE, room)) if room > 0 else "# not shown: the page is full"
        anew = [name for name in other.after if definition(source.split("\n"), name)]
        about = {ANEW: anew} if anew else {}
        cells.append(nbformat.v4.new_code_cell(text, id=f"other-code-{number}", metadata=about))
        if room <= 0:
            break
        room -= len(text)
    notebook.cells += cells
    return cells


def _answer(cell: NotebookNode, answer: Answer, pictures: Pictures) -> bool:
    """Write an answer into its cell, where it is of the cell's kind and something new; says whether
    it was.
    """
    changed = normalised(answer.source) != normalised(cell.source)
    if not changed or answer.kind != cell.cell_type:
        return False
    if cell.cell_type != "markdown":
        cell.source = tidy(answer.source, MAX_CODE)
        return True
    cell.source, attachments = shown(answer.source, answer.attachments, pictures)
    if attachments:
        cell.attachments = nbformat.from_dict(attachments)
    return True


def _bound_rendering(cells: list[NotebookNode]) -> None:
    """Show a cell without its markup where rendering it would take too long, or fail."""
    texts = [Text(cell.cell_type, cell.source, cell.get("attachments", {})) for cell in cells]
    for cell, good in zip(cells, renderable(texts), strict=True):
        if not good:
            cell.source = plain(cell.source, "# " if cell.cell_type == "code" else "")
            cell.pop("attachments", None)


def _is_solution(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
