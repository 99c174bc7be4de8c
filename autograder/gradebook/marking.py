"""The page on which formgrader shows one submission to who marks it: the model answer and the
rubric beside a written answer, formulas without a network, a name only where the course wants it.

`settings` hands these to nbgrader's HTML exporter; its pages for feedback pass through untouched.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import jinja2
import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from autograder.assignment import Assignment, find_assignment
from autograder.course import Course
from autograder.errors import AutograderError
from autograder.gradebook.marks import database
from autograder.gradebook.mathematics import markdown_with_mathml

TEMPLATES = Path(__file__).with_name("templates")
NAMES_SHOWN = "<style>.name-shown { display: inline } .name-hidden { display: none }</style>"


@jinja2.pass_context
def markdown2html(context: Any, source: str) -> str:
    """nbconvert's filter of that name, with formulas as MathML. Headings of an answer have no
    names: formgrader finds the boxes for points and comments by theirs.
    """
    cell = context.get("cell", {})
    is_answer = cell.get("metadata", {}).get("nbgrader", {}).get("solution", False)
    return markdown_with_mathml(source, cell.get("attachments"), named=not is_answer)


class Marking(Preprocessor):
    """What a marker needs, put into the page of a submission.

    It also has its exporter take a template of ours before others' of the same name, which no
    setting does: nbgrader's own command line goes before this course's settings there.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        exporter: Any = self.parent
        if exporter is not None:
            exporter.extra_loaders = [jinja2.FileSystemLoader(TEMPLATES), *exporter.extra_loaders]

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        if "submission_id" not in resources:  # no page of formgrader's
            return nb, resources
        course = Course(Path(self.config.CourseDirectory.root).parent)
        try:
            assignment = find_assignment(course, resources["assignment_id"])
        except AutograderError:  # one that is nbgrader's alone
            return nb, resources
        tell_overrides(nb, overrides(course, resources["submission_id"]))
        answers = model_answers(assignment)
        for place in range(len(nb.cells) - 1, -1, -1):
            name = nb.cells[place].metadata.get("nbgrader", {}).get("grade_id")
            if name in assignment.written:
                text = beside(answers.get(name, ""), assignment.rubric.get(name, ""))
                if text:
                    nb.cells.insert(
                        place + 1, nbformat.v4.new_markdown_cell(text, id=f"model-{name}")
                    )
        if course.settings.names:
            nb.cells.append(nbformat.v4.new_markdown_cell(NAMES_SHOWN, id="names"))
            for part in ("student", "first_name", "last_name"):  # the template escapes nothing
                resources[part] = html.escape(resources[part] or "")
        else:
            hide_name(resources)
        return nb, resources


def model_answers(assignment: Assignment) -> dict[str, str]:
    """The staff's written answers by the name of their question, as Markdown; nothing before the
    first release.
    """
    source = assignment.course.source / assignment.slug / assignment.notebook.name
    if not source.is_file():
        return {}
    cells = nbformat.read(source, as_version=4).cells
    named = [(cell.metadata.get("nbgrader", {}).get("grade_id"), cell) for cell in cells]
    return {name: cell.source for name, cell in named if name in assignment.written}


def beside(answer: str, rubric: str) -> str:
    """The cell that stands beside a written answer; "" where the staff have written nothing."""
    parts = [("Model answer", answer), ("Rubric", rubric)]
    told = [f"#### {title}\n\n{text.strip()}" for title, text in parts if text.strip()]
    return '<div class="model-answer">\n\n' + "\n\n".join(told) + "\n\n</div>" if told else ""


def overrides(course: Course, submission: str) -> dict[str, tuple[float, float]]:
    """The checks' points and a person's, by the cells of a submission that somebody overrode."""
    with Gradebook(database(course), course.settings.course_id) as book:
        grades = book.find_submission_notebook_by_id(submission).grades
        return {
            grade.name: (grade.auto_score, grade.manual_score)
            for grade in grades
            if grade.manual_score is not None and grade.auto_score is not None
        }


def tell_overrides(nb: NotebookNode, overridden: dict[str, tuple[float, float]]) -> None:
    """Say above the table of checks that another number counts than the table's."""
    for cell in nb.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if cell.cell_type == "code" and name in overridden:
            for output in cell.outputs:
                data = output.get("data", {})
                if "text/html" in data:
                    data["text/html"] = override_told(*overridden[name]) + data["text/html"]


def override_told(automatic: float, manual: float) -> str:
    """An override in words, as HTML."""
    told = f"Marked by hand: {manual:g} points, in the place of the checks' {automatic:g}."
    return f"<p><b>{html.escape(told)}</b></p>"


def hide_name(resources: Any) -> None:
    """Leave a number of the student's name, also where the page would hold it unseen."""
    resources["student"] = f"Submission #{resources['index'] + 1}"
    resources["first_name"] = resources["last_name"] = None
    resources["notebook_path"] = ""
