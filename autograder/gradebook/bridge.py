"""Puts sandboxed results into nbgrader's gradebook, notebooks and feedback; `settings` plugs these
classes in.

`nbgrader autograde` reads each submission twice. The first pass is `SubmissionExporter`: it never
lets nbgrader parse what a student handed in, but rebuilds the *released* notebook with the
student's answers, as text, in the solution cells and the student's other code cells after them.
Outputs, metadata, raw cells and HTML of the student's are left behind; of an answer's attachments,
pictures stay (`answers`). What would take a page too long is shown plainly (`rendering`). The
second pass
is `GradeInSandbox`, in the place of nbgrader's Execute: it starts no kernel, and writes into each
check cell one output, from which nbgrader takes the points (a plain decimal) and in which people
read the checks (a table).
"""

from __future__ import annotations

import atexit
import html
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors.base import NbGraderPreprocessor

from autograder.assignment import Assignment, find_assignment, read_assignment
from autograder.course import Course
from autograder.errors import AutograderError, SubmissionError
from autograder.gradebook.answers import MAX_CODE, Pictures, plain, shown, tidy
from autograder.gradebook.marks import CHECK_PREFIX, RESULT
from autograder.gradebook.rendering import Text, renderable
from autograder.grading.grader import Grader, faults_in
from autograder.grading.store import Store
from autograder.grading.submission import (
    Found,
    ReleasedCells,
    counts,
    normalised,
    notebook_parts,
    read,
    read_bytes,
    released_cells,
    source_of,
    text_of,
)
from autograder.grading.workers import grade_class
from autograder.results import Check, Diagnosis, Result

MAX_OTHER_CODE = 200_000  # characters of the code that a page shows after the answers
KNOWN_AS = {
    "bank": "This behaves like a known mistake:",
    "edit": "This behaves like a right answer with one change:",
    "part": "Part of what is wrong, at least:",
}
NO_MATHEMATICS = "tex2jax_ignore mathjax_ignore"  # an exception's words are no formula


# --- first pass: rebuild --------------------------------------------------------------------------


class SubmissionExporter(NotebookExporter):
    """What nbgrader's converters write notebooks with; on the first pass of autograde, it rebuilds
    instead of reading.
    """

    def __init__(self, config: Any = None, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)  # type: ignore[no-untyped-call]
        converter: Any = self.parent  # an Autograde, or another of nbgrader's converters
        self.converter = converter
        if hasattr(converter, "_sanitizing"):
            converter.coursedir = without_other_files(converter.coursedir)

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> Any:
        """The text and the resources of a notebook, as nbconvert's exporters give them."""
        if not getattr(self.converter, "_sanitizing", False):
            return super().from_filename(filename, resources=resources, **kwargs)
        assignment = find_assignment(course_of(self.converter), resources["nbgrader"]["assignment"])
        notebook = rebuild(assignment, handed_in(Path(filename), assignment))
        resources["metadata"] = {
            "name": resources["nbgrader"]["notebook"],
            "path": str(Path(filename).parent),
        }
        convert: Any = self.from_notebook_node
        return convert(notebook, resources=resources, **kwargs)


def course_of(converter: Any) -> Course:
    """The course that one of nbgrader's converters works on."""
    return Course(Path(converter.coursedir.root).parent)


def without_other_files(course: CourseDirectory) -> CourseDirectory:
    """The same course, of which autograde copies nothing but notebooks: what else a student handed
    in stays where it is.
    """
    quiet = CourseDirectory(parent=course.parent, config=course.config)
    for name in course.trait_names():
        if name not in ("config", "parent", "log") and not name.startswith("_"):
            setattr(quiet, name, getattr(course, name))
    quiet.ignore = ["*"]
    return quiet


def handed_in(notebook: Path, assignment: Assignment) -> Path:
    """The file that counts in the folder of `notebook`: that notebook, or the module beside it."""
    return (
        counts(notebook.parent, assignment.slug) if notebook.stem == assignment.slug else notebook
    )


def rebuild(assignment: Assignment, path: Path) -> NotebookNode:
    """The released notebook with the answers of the submission at `path`; the released one where
    that cannot be read.
    """
    notebook = nbformat.read(assignment.notebook, as_version=4)
    write_outputs(notebook, assignment, not_graded(assignment))
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
    if path.suffix != ".ipynb":
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


def fill(notebook: NotebookNode, answers: list[Answer], released: ReleasedCells) -> None:
    """Put answers into the solution cells of a released notebook, and other code that the student
    wrote after them.
    """
    solutions = {
        cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if _is_solution(cell)
    }
    pictures = Pictures()
    answered, written = set(), []
    extra = []
    for answer in answers:
        cell = solutions.get(answer.id)
        if cell is not None and answer.id not in answered:
            answered.add(answer.id)
            if _answer(cell, answer, pictures):
                written.append(cell)
        elif answer.kind == "code" and answer.source.strip() and not released.has(answer.source):
            extra.append(answer.source)
    written += _append(notebook, extra)
    _bound_rendering(written)


def _append(notebook: NotebookNode, sources: list[str]) -> list[NotebookNode]:
    """The other code cells of a submission, as many as a page may have; gives the cells."""
    if sources:
        heading = "### Other code cells of this submission"
        notebook.cells.append(nbformat.v4.new_markdown_cell(heading, id="other-code"))
    cells: list[NotebookNode] = []
    room = MAX_OTHER_CODE
    for number, source in enumerate(sources):
        text = tidy(source, min(MAX_CODE, room)) if room > 0 else "# not shown: the page is full"
        cells.append(nbformat.v4.new_code_cell(text, id=f"other-code-{number}"))
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


# --- second pass: points --------------------------------------------------------------------------


@cache
def grading_of(folder: Path, digest: str) -> tuple[Grader, Store]:
    """The grader of a staff folder as it is at the moment, kept warm as long as nbgrader runs, and
    its kept results.
    """
    assignment = read_assignment(folder)
    grader = Grader(assignment, assignment.course.secret())
    atexit.register(grader.close)
    return grader, Store(assignment.course.results, grader)


class GradeInSandbox(NbGraderPreprocessor):
    """In the place of Execute: grades the submission as handed in, and writes each check cell's
    output.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        asked = resources["nbgrader"]
        exporter: Any = self.parent
        directory = exporter.converter.coursedir
        assignment = find_assignment(course_of(exporter.converter), asked["assignment"])
        folder = directory.format_path(
            directory.submitted_directory, asked["student"], asked["assignment"]
        )
        path = handed_in(Path(folder) / f"{assignment.slug}.ipynb", assignment)
        grader, store = grading_of(assignment.folder, assignment.digest)
        with faults_in(assignment.course.log):
            (result,) = grade_class(grader, [Found(path, asked["student"])], 1, store=store)
        if result.status == "grader_error":
            where = f"see {assignment.course.log}"
            raise AutograderError(
                f"{asked['student']}: {result.message}; {where}. Nothing was recorded."
            )
        write_outputs(nb, assignment, result)
        nb.metadata[RESULT] = nbformat.from_dict(result.filed_as("", None).to_json())
        return nb, resources


def not_graded(assignment: Assignment) -> Result:
    """What stands in every check cell until `GradeInSandbox` has written there: nbgrader takes no
    output for full marks.
    """
    return Result(
        assignment.slug,
        "",
        None,
        "grader_error",
        assignment.max_score,
        message="this submission has not been graded yet",
    )


def write_outputs(notebook: NotebookNode, assignment: Assignment, result: Result) -> None:
    """One output in every automatically graded cell, none in any other."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        settings = cell.metadata.get("nbgrader", {})
        if settings.get("grade") and not settings.get("solution"):
            cell.outputs = [
                output(assignment, result, settings["grade_id"].removeprefix(CHECK_PREFIX))
            ]


def output(assignment: Assignment, result: Result, function: str) -> NotebookNode:
    """The points of one function as nbgrader reads them, and its checks as people do.

    nbgrader gives full marks for anything that is no plain number, so this is always one, between 0
    and the maximum.
    """
    points = min(max(result.earned(function), 0.0), assignment.functions.get(function, 0.0))
    data = {
        "text/plain": repr(round(float(points), 4)),
        "text/html": table(assignment, result, function),
    }
    return nbformat.v4.new_output("execute_result", data, execution_count=None)


def table(assignment: Assignment, result: Result, function: str) -> str:
    """The checks of one function as an HTML table; every text in it is escaped."""
    points = f"{result.earned(function):g} of {assignment.functions.get(function, 0.0):g} points"
    head = f"<p><b>{html.escape(function)}: {points}</b></p>"
    if result.status != "graded":
        return f"{head}<p>{html.escape(f'{result.status}: {result.message}')}</p>"
    for diagnosis in result.diagnosis:
        if diagnosis.function == function:
            head += story_of(diagnosis)
    rows = "".join(row(check) for check in result.of(function))
    titles = "".join(
        f'<th style="text-align:left">{title}</th>'
        for title in ("", "check", "points", "what happened")
    )
    body = f"<thead><tr>{titles}</tr></thead><tbody>{rows}</tbody>"
    return f'{head}<table class="{NO_MATHEMATICS}">{body}</table>'


def story_of(diagnosis: Diagnosis) -> str:
    """What is known of a failing function, as paragraphs of HTML."""
    told = ""
    if diagnosis.mistake:
        title, hint = html.escape(diagnosis.title), html.escape(diagnosis.hint)
        told = f"<p>{KNOWN_AS[diagnosis.how]} <b>{title}</b>. {hint}</p>"
    if (example := diagnosis.example) is not None:
        call, start, given, right = map(
            html.escape, (example.call, example.start, example.given, example.right)
        )
        begun = f", started at {start}" if start else ""
        told += f"<p>The smallest example: <code>{call}</code>{begun}, gave {given}; "
        told += f"right is {right}.</p>"
    return told


def row(check: Check) -> str:
    """One check as a row of the table."""
    passed = check.outcome == "passed"
    story = "" if passed else f"{html.escape(check.message)}<br><i>{html.escape(check.hint)}</i>"
    cells = (
        "✓" if passed else "✗",
        html.escape(check.title),
        f"{check.earned:g}/{check.points:g}",
        story,
    )
    return "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"
