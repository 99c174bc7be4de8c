"""Puts sandboxed results into nbgrader's gradebook, notebooks and feedback; `settings` plugs these
classes in.

`nbgrader autograde` reads each submission twice. The first pass is `SubmissionExporter`: it never
lets nbgrader parse what a student handed in, but writes the released notebook with the student's
answers in it (`rebuild`). The second pass is `GradeInSandbox`, in the place of nbgrader's Execute:
it starts no kernel, and writes into each check cell one output, from which nbgrader takes the
points (a plain decimal) and in which people read the checks (a table). `SaveMarks` then keeps what
a person marked, as long as the answer is the one that they saw.
"""

from __future__ import annotations

import atexit
import glob
import hashlib
import html
import json
import threading
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.preprocessors.base import NbGraderPreprocessor

from autograder.assignment import Assignment, find_assignment, read_assignment
from autograder.course import Course, write_whole
from autograder.errors import AutograderError, SubmissionError
from autograder.gradebook.marks import CHECK_PREFIX, RESULT
from autograder.gradebook.rebuild import handed_in, rebuild, student_cells, wrap
from autograder.gradebook.timestamps import hand_on, settle_timestamp
from autograder.grading.faults import faults_in
from autograder.grading.grader import Grader
from autograder.grading.preflight import preflight
from autograder.grading.store import Store
from autograder.grading.submission import Found
from autograder.grading.workers import grade_class
from autograder.results import KNOWN_AS, Check, Diagnosis, Result

ANSWERS = "autograder_answers"  # among nbconvert's resources, from one preprocessor to the next
CELL = "text-align:left;vertical-align:top;padding:0.2em 1em 0.2em 0"
NO_MATHEMATICS = "tex2jax_ignore mathjax_ignore"  # an exception's words are no formula


# --- before: who handed in what -------------------------------------------------------------------

nbgraders_own: Any = Autograde.init_notebooks


def init_notebooks(converter: Autograde) -> None:
    """In the place of the converter's own, which passes over students without a notebook, as if
    they had handed in nothing: a notebook without code is laid into their folders first.

    nbgrader has no hook there; what it loads before is this module, by `exporter_class`.
    """
    directory: Any = converter.coursedir
    asked = converter._format_source(directory.assignment_id, directory.student_id)
    for folder in sorted(map(Path, glob.glob(asked))):
        try:
            wrap(folder, folder.name)
            if settle_timestamp(folder):
                converter.log.warning("The timestamp of %r cannot be read", str(folder))
        except OSError as error:
            converter.log.warning("%r cannot be made ready (%s)", str(folder), error.strerror)
    nbgraders_own(converter)


setattr(Autograde, "init_notebooks", init_notebooks)  # noqa: B010 - not as a type checker has it


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
            grade_all(converter)

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> Any:
        """The text and the resources of a notebook, as nbconvert's exporters give them."""
        if not getattr(self.converter, "_sanitizing", False):
            return super().from_filename(filename, resources=resources, **kwargs)
        assignment = find_assignment(course_of(self.converter), resources["nbgrader"]["assignment"])
        notebook = rebuild(assignment, handed_in(Path(filename), assignment))
        write_outputs(notebook, assignment, not_graded(assignment))
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


# --- second pass: points --------------------------------------------------------------------------


def grade_all(converter: Any) -> None:
    """Grade all that an Autograde is about to convert, before it converts any: right answers first,
    and on all processors. What is kept of it is there when its turn comes.

    NbGraderException, which ends the run, where nobody can be graded.
    """
    directory = converter.coursedir
    # a server that runs this has other threads, and they do not survive a fork
    workers = course_of(converter).workers if threading.active_count() == 1 else 1
    try:
        assignment = find_assignment(course_of(converter), directory.assignment_id)
        name = f"{assignment.slug}.ipynb"
        folders = sorted(Path(directory.root, folder) for folder in converter.assignments)
        found = [Found(handed_in(folder / name, assignment), None) for folder in folders]
        grader, store = grading_of(assignment.folder, assignment.digest)
        results = assignment.course.results
        before = partial(preflight, grader, workers=workers, folder=results)
        with faults_in(assignment.course.log):
            for _ in grade_class(grader, found, workers, store=store, before=before):
                pass
    except AutograderError as error:
        converter.log.error("%s", error)
        raise NbGraderException(str(error)) from error


@cache
def grading_of(folder: Path, digest: str) -> tuple[Grader, Store]:
    """The grader of a staff folder as it is at the moment, kept warm as long as nbgrader runs, and
    its kept results.
    """
    assignment = read_assignment(folder)
    grader = Grader.of_course(assignment)
    atexit.register(grader.close)
    grader.store = Store(assignment.course.results, grader)
    return grader, grader.store


class GradeInSandbox(NbGraderPreprocessor):
    """In the place of Execute: grades the submission as handed in, and writes each check cell's
    output.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        asked = resources["nbgrader"]
        exporter: Any = self.parent
        directory = exporter.converter.coursedir
        assignment = find_assignment(course_of(exporter.converter), asked["assignment"])
        hold_to_the_release(nb, assignment)
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
        place = directory.autograded_directory
        autograded = directory.format_path(place, asked["student"], asked["assignment"])
        hand_on(Path(folder), Path(autograded))
        resources[ANSWERS] = answers_in(path)
        return nb, resources


def answers_in(path: Path) -> dict[str, str]:
    """The digests of a submission's answers by the names of their cells; "" for all of its code."""
    found: dict[str, str] = {}
    code = hashlib.sha256()
    try:
        for answer in student_cells(path):
            text = repr((answer.kind, answer.source, answer.attachments)).encode("utf-8", "replace")
            if answer.kind == "code":
                code.update(hashlib.sha256(text).digest())
            if answer.id:
                found.setdefault(answer.id, hashlib.sha256(text).hexdigest())
    except SubmissionError as error:
        code.update(str(error).encode("utf-8", "replace"))
    return found | {"": code.hexdigest()}


class SaveMarks(SaveAutoGrades):
    """In the place of nbgrader's own, which sends back whatever a person has marked each time that
    a submission is graded: a mark stays while the answer is the one that was marked.

    course/marked/<slug>/<student>/answers.json     the answers as they were graded last
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        exporter: Any = self.parent
        asked = resources["nbgrader"]
        folder = course_of(exporter.converter).work / "marked" / asked["assignment"]
        file = folder / asked["student"] / "answers.json"
        self.answers: dict[str, str] = resources.get(ANSWERS, {})
        self.before = known_answers(file)
        nb, resources = super().preprocess(nb, resources)
        write_whole(file, json.dumps(self.answers, indent=1) + "\n")
        return nb, resources

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        name = cell.metadata["nbgrader"]["grade_id"]
        grade: Any = self.gradebook.find_grade(
            name, self.notebook_id, self.assignment_id, self.student_id
        )
        waited = bool(grade.needs_manual_grade)
        super()._add_score(cell, resources)
        answer = name if utils.is_solution(cell) else ""  # a check's points are for the code
        same = as_it_was(answer, self.before, self.answers)
        grade.needs_manual_grade = is_open(grade, waited=waited, same=same)
        self.gradebook.db.commit()


def is_open(grade: Any, *, waited: bool, same: bool) -> bool:
    """Whether a person has to look at the points of a cell: there are none, or a person has set
    them, or added some, for another answer.

    waited: whether they had to until now; same: whether the answer is the one that was graded last
    """
    if grade.manual_score is None and grade.auto_score is None:
        return True
    by_hand = grade.manual_score is not None or bool(grade.extra_credit)
    return by_hand and (waited or not same)


def known_answers(file: Path) -> dict[str, str]:
    """What `SaveMarks` has written; nothing where it has not, or the file is another's."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def as_it_was(answer: str, before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether an answer is the one that was graded last; one that was not there then, and is not
    now, is. before, now: of `answers_in`; before is empty where nothing was graded
    """
    return bool(before) and before.get(answer) == now.get(answer)


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


def hold_to_the_release(notebook: NotebookNode, assignment: Assignment) -> None:
    """AutograderError where the gradebook gives a cell other points than the assignment does by
    now: entered would be what fits, and nothing of whoever has more.

    notebook: with the gradebook's points in its cells
    """
    wanted = {CHECK_PREFIX + name: points for name, points in assignment.functions.items()}
    wanted |= assignment.written
    settings = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    known = {one["grade_id"]: float(one["points"]) for one in settings if one.get("grade")}
    other = [
        f"{name.removeprefix(CHECK_PREFIX)} {wanted.get(name, 0):g}, there {known.get(name, 0):g}"
        for name in dict.fromkeys((*wanted, *known))
        if abs(wanted.get(name, 0.0) - known.get(name, 0.0)) > 1e-9
    ]
    if other:
        what = "the points of assignment.toml are not those that the gradebook has"
        mend = f"Nothing was entered. First: autograder release {assignment.slug}"
        raise AutograderError(f"{what}: {'; '.join(other)}. {mend}")


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
        f'<th style="{CELL}">{title}</th>' for title in ("", "check", "points", "what happened")
    )
    body = f"<thead><tr>{titles}</tr></thead><tbody>{rows}</tbody>"
    return f'{head}<table class="{NO_MATHEMATICS}">{body}</table>'


def story_of(diagnosis: Diagnosis) -> str:
    """What is known of a failing function, as paragraphs of HTML."""
    told = ""
    if diagnosis.mistake:
        title, hint = html.escape(diagnosis.title), html.escape(diagnosis.hint)
        told = f"<p>{KNOWN_AS[diagnosis.how]}: <b>{title}</b>. {hint}</p>"
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
    return "<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells) + "</tr>"
