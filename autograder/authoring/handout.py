"""handout.md and solution.py as notebooks: nbgrader's source, and the student's out of it.

What students get is never typed twice: stubs are solution.py without what stands between the
markers, and the student's notebook comes out of nbgrader's own preprocessors.

    ```python tags=["setup"]                          set-up, run while grading too
    ```python stub="sgd_factorise"                    empty; becomes the function
    ```python check="sgd_factorise"                   empty; becomes its graded check cell
    <!-- #region written="why_do_they_agree" -->      a model answer; students get YOUR ANSWER HERE
"""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment, text_of
from autograder.errors import AuthoringError, UsageError, to_install
from autograder.grading.submission import normalised

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = '# YOUR CODE HERE\nraise NotImplementedError("this function is not written yet")'
ANSWER = "YOUR ANSWER HERE"
MARKERS = ("stub", "check", "written")
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def for_releases() -> str:
    """What to do where something is missing that a release needs."""
    return f"A release needs more than grading does: {to_install('nbgrader')}"


# --- stubs ----------------------------------------------------------------------------------------


def stub_of(text: str, where: object = "solution.py") -> str:
    """Python source with a stub in place of what stands between each pair of markers."""
    kept, begun = [], 0
    for number, line in enumerate(text.splitlines(), start=1):
        if BEGIN in line:
            if begun:
                raise AuthoringError(
                    f"{where}:{number}",
                    "begins a solution inside a solution",
                    f"Close the first with {END}.",
                )
            begun = number
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + stub for stub in STUB.splitlines()]
        elif END in line:
            if not begun:
                raise AuthoringError(
                    f"{where}:{number}",
                    "ends a solution that was not begun",
                    f"Open it with {BEGIN}.",
                )
            begun = 0
        elif not begun:
            kept.append(line)
    if begun:
        raise AuthoringError(
            f"{where}:{begun}", "begins a solution that never ends", f"Close it with {END}."
        )
    return "\n".join(kept) + "\n"


def function_source(text: str, name: str) -> str | None:
    """The lines of a top-level function, decorators and the comments at its end included; None
    where there is none.
    """
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
            last = node.end_lineno or node.lineno
            while last < len(lines) and (not lines[last].strip() or lines[last][0].isspace()):
                last += 1
            return "\n".join(lines[first:last]).rstrip()
    return None


# --- notebooks ------------------------------------------------------------------------------------


def source_notebook(assignment: Assignment) -> Any:
    """handout.md as nbgrader's source notebook: solutions in, model answers in, nbgrader's metadata
    on them.
    """
    handout = assignment.folder / "handout.md"
    parts = _Handout(assignment, handout, text_of(handout))
    cells = [parts.cell(cell) for cell in cells_of(handout)]
    import nbformat  # which jupytext brings along

    parts.complete()
    for position, (cell, released) in enumerate(cells, start=1):
        cell["id"] = (
            f"{position:02d}-{hashlib.sha256(normalised(released).encode()).hexdigest()[:8]}"
        )
    notebook = nbformat.v4.new_notebook(
        cells=[cell for cell, _ in cells], metadata=copy.deepcopy(METADATA)
    )
    notebook.nbformat_minor = 5
    with as_authoring_error(handout):
        nbformat.validate(notebook)
    return notebook


@contextmanager
def as_authoring_error(handout: Path) -> Iterator[None]:
    """What nbformat and nbgrader say of a notebook that they refuse, as an error of its handout."""
    from nbformat import ValidationError

    try:
        yield
    except (ValidationError, RuntimeError, ValueError) as error:
        place = ".".join(map(str, getattr(error, "path", ())))  # such as metadata.tags
        said = f"{place}{': ' if place else ''}{str(error).strip().partition(chr(10))[0]}"
        mend = "Look at the metadata of its cells, and at the markers in them."
        raise AuthoringError(handout, f"makes no notebook ({said})", mend) from error


def cells_of(handout: Path) -> list[Any]:
    """The cells of a handout, as jupytext reads its Markdown."""
    text = text_of(handout)
    try:
        import jupytext
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed. {for_releases()}") from None
    with as_authoring_error(handout):
        return list(jupytext.reads(text, fmt="md").cells)


class _Handout:
    """Turns the cells that jupytext reads from one handout into nbgrader's."""

    def __init__(self, assignment: Assignment, path: Path, text: str) -> None:
        self.assignment, self.path, self.text = assignment, path, text
        self.solution = assignment.solution.read_text(encoding="utf-8")
        self.stubs = stub_of(self.solution, assignment.solution)
        self.seen: dict[str, set[str]] = {marker: set() for marker in MARKERS}

    def cell(self, cell: Any) -> tuple[Any, str]:
        """A cell of the source notebook, and its text as students receive it."""
        from nbformat.v4 import new_code_cell, new_markdown_cell

        marker = next((marker for marker in MARKERS if marker in cell.metadata), None)
        tags = {"tags": list(cell.metadata["tags"])} if cell.metadata.get("tags") else {}
        if marker is None:
            make: Any = new_code_cell if cell.cell_type == "code" else new_markdown_cell
            return make(cell.source, metadata=tags), cell.source
        name = cell.metadata[marker]
        self.note(marker, name)
        if marker == "written":
            metadata = _nbgrader(
                name, grade=True, solution=True, points=self.assignment.written[name]
            )
            return new_markdown_cell(cell.source, metadata=tags | metadata), ANSWER
        if cell.source.strip():
            raise self.wrong(
                marker, name, "holds code", "Leave the block empty: the release fills it."
            )
        if marker == "check":
            source = (
                f'# Runs the public checks of {name} on what you have written.\ncheck("{name}")'
            )
            metadata = _nbgrader(
                f"check_{name}", grade=True, locked=True, points=self.assignment.functions[name]
            )
            return new_code_cell(source, metadata=tags | metadata), source
        solution, stub = function_source(self.solution, name), function_source(self.stubs, name)
        if solution is None or stub is None:
            raise self.wrong(
                marker,
                name,
                "names no function of solution.py",
                "Define it there, or remove the block.",
            )
        if solution == stub:
            raise self.wrong(
                marker,
                name,
                "has its whole solution outside the markers",
                f"Put {BEGIN} and {END} around it.",
            )
        return new_code_cell(solution, metadata=tags | _nbgrader(name, solution=True)), stub

    def note(self, marker: str, name: str) -> None:
        """Record that a marker was met; AuthoringError where it should not have been."""
        if not isinstance(name, str):
            mend = f'Give one name in quotes: {marker}="name".'
            what = f"has {marker}={json.dumps(name)}"
            raise AuthoringError(self.line_of(marker, name), what, mend)
        if name in self.seen[marker]:
            raise self.wrong(marker, name, "stands here a second time", "Remove one of the two.")
        if marker != "stub" and name not in self.table(marker):
            known = ", ".join(self.table(marker)) or "none"
            raise self.wrong(
                marker,
                name,
                "is not in assignment.toml",
                f"There are {known}: mend the name, or add it.",
            )
        self.seen[marker].add(name)

    def complete(self) -> None:
        """Fail where the handout leaves out what assignment.toml gives points for."""
        mend = "Add it, or take its points out of assignment.toml."
        for marker in MARKERS:
            for name in self.table(marker):
                if name not in self.seen[marker]:
                    raise AuthoringError(self.path, f'has no {marker}="{name}"', mend)

    def table(self, marker: str) -> dict[str, float]:
        """What assignment.toml gives points for under a marker."""
        return self.assignment.written if marker == "written" else self.assignment.functions

    def wrong(self, marker: str, name: str, what: str, mend: str) -> AuthoringError:
        where = self.line_of(marker, name)
        return AuthoringError(where, f'{marker}="{name}" {what}', mend)

    def line_of(self, key: str, value: Any) -> str:
        """The last line that gives a key of a cell's metadata this value."""
        written = f"{re.escape(json.dumps(value))}|'{re.escape(str(value))}'"
        given = re.compile(rf"\b{key}\s*=\s*(?:{written})")
        lines = [
            number
            for number, line in enumerate(self.text.splitlines(), start=1)
            if given.search(line)
        ]
        return f"{self.path}:{lines[-1] if lines else 1}"


def _nbgrader(name: str, points: float | None = None, **true: bool) -> dict[str, Any]:
    """A cell's nbgrader metadata. true: those of grade, locked and solution that hold."""
    flags = {flag: true.get(flag, False) for flag in ("grade", "locked", "solution", "task")}
    settings: dict[str, Any] = {"grade_id": name, "schema_version": 3, **flags}
    if points is not None:
        settings["points"] = int(points) if points == int(points) else points
    return {"nbgrader": settings}


def student_notebook(source: Any, config: Any) -> Any:
    """What `nbgrader generate_assignment` makes of a source notebook, without its gradebook.
    config: nbgrader's
    """
    try:
        from nbgrader import preprocessors as steps
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed. {for_releases()}") from None
    notebook: Any = copy.deepcopy(source)
    resources: Any = {}
    for step in (
        steps.LockCells,
        steps.ClearSolutions,
        steps.ClearOutput,
        steps.CheckCellMetadata,
        steps.ComputeChecksums,
        steps.ClearHiddenTests,
        steps.ClearMarkScheme,
        steps.ComputeChecksums,
        steps.CheckCellMetadata,
    ):
        notebook, resources = step(config=config).preprocess(notebook, resources)
    return notebook


def notebook_bytes(notebook: Any) -> bytes:
    """The file of a notebook, byte for byte as nbgrader writes it."""
    import nbformat

    return (nbformat.writes(notebook, version=4).rstrip("\n") + "\n").encode()
