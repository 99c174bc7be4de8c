"""A student's feedback on one assignment, in nbgrader's place for it.

    course/autograded/<student>/<assignment>/<assignment>.ipynb    their answers as text; the result
    course/feedback/<student>/<assignment>/<assignment>.html       the page

Checks and diagnoses come from the result that the notebook carries; points, comments and penalties
from the gradebook.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from autograder.assignment import Assignment
from autograder.gradebook.marks import CHECK_PREFIX, RESULT, Mark, Marks
from autograder.gradebook.rebuild import ANEW
from autograder.pages.drawing import curve_chart, in_words
from autograder.pages.highlight import code, definition_in
from autograder.pages.markup import markdown
from autograder.pages.page import page, plain
from autograder.results import KNOWN_AS, Check, Diagnosis, Result

WHY = {
    "unreadable": "What you handed in could not be read, so nothing in it was graded.",
    "missing": "No file of yours was found, so nothing was graded.",
    "grader_error": "The grader itself failed on your submission: tell your teacher.",
}


def feedback_page(
    assignment: Assignment, student: str, notebook: dict[str, Any], marks: Marks | None
) -> str:
    """The page's text. notebook: the autograded one; marks: None where the gradebook has none"""
    result = result_in(notebook)
    cells = [Cell.of(cell) for cell in notebook["cells"]]
    functions = [part_of(assignment, name, result, marks, cells) for name in assignment.functions]
    written = [answer_of(assignment, name, marks, cells) for name in assignment.written]
    most = sum(part.maximum for part in functions) + sum(one.maximum for one in written)
    return page(
        "feedback.html",
        title=assignment.title,
        student=(marks.name if marks else "") or student,
        marks=marks,
        score=marks.total if marks else result.score if result else 0.0,
        maximum=marks.maximum if marks else most,
        result=result,
        status=WHY.get(result.status, "") if result else "",
        functions=functions,
        written=written,
        open_points=sum(one.maximum for one in written if one.open),
        first=first_of(functions),
        known_as=KNOWN_AS,
    )


def result_in(notebook: dict[str, Any]) -> Result | None:
    """The result that the gradebook got; None where another version of the kit has graded."""
    try:
        return Result.from_json(notebook["metadata"][RESULT])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


@dataclass(frozen=True)
class Cell:
    """A cell of the autograded notebook. name: nbgrader's, "" where it has none

    anew: the functions that it defined after their own cells had
    """

    name: str
    kind: str
    text: str
    attachments: dict[str, dict[str, str]]
    anew: tuple[str, ...] = ()

    @classmethod
    def of(cls, cell: dict[str, Any]) -> Cell:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        source = cell["source"]
        text = source if isinstance(source, str) else "".join(source)
        anew = tuple(cell["metadata"].get(ANEW, ()))
        return cls(name, cell["cell_type"], text, cell.get("attachments", {}), anew)


# --- functions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """What a page says of one function. automatic: the points that the grader gave

    before: what a person set or wrote is of the code before, and waits to be looked at again
    """

    name: str
    points: float
    automatic: float
    maximum: float
    by_hand: bool
    before: bool
    comment: str
    diagnoses: tuple[Diagnosis, ...]
    failed: tuple[Check, ...]
    passed: tuple[Check, ...]
    code: Markup
    chart: Markup
    chart_words: str

    @property
    def lost(self) -> float:
        return self.maximum - self.automatic

    @property
    def right(self) -> bool:
        """Whether nothing was lost here: such functions come last."""
        return self.lost <= 0


def part_of(
    assignment: Assignment, name: str, result: Result | None, marks: Marks | None, cells: list[Cell]
) -> Part:
    """What there is to say of a function."""
    automatic = result.earned(name) if result else 0.0
    mark = marks.cells.get(CHECK_PREFIX + name) if marks else None
    if mark is not None and mark.automatic is not None:
        automatic = mark.automatic
    checks = result.of(name) if result else ()
    curves = [check.curve for check in checks if check.curve is not None]
    curve = max(curves, key=lambda one: (one.floor is not None, len(one.yours)), default=None)
    return Part(
        name=name,
        points=mark.points if mark else automatic,
        automatic=automatic,
        maximum=mark.maximum if mark else assignment.functions[name],
        by_hand=bool(mark and mark.by_hand),
        before=bool(mark and mark.open and mark.by_hand),
        comment=plain(mark.comment) if mark else "",
        diagnoses=tuple(one for one in (result.diagnosis if result else ()) if told(one, name)),
        failed=tuple(check for check in checks if check.outcome != "passed"),
        passed=tuple(check for check in checks if check.outcome == "passed"),
        code=code(code_of(name, cells)),
        chart=curve_chart(curve) if curve else Markup(),
        chart_words=in_words(curve) if curve else "",
    )


def told(diagnosis: Diagnosis, function: str) -> bool:
    """Whether a diagnosis says a student something of a function: a group alone says nothing."""
    known = bool(diagnosis.title) or diagnosis.example is not None
    return diagnosis.function == function and known


def code_of(function: str, cells: list[Cell]) -> str:
    """The student's code of a function, that which was graded: the last definition after its own
    cell, else that cell; where that has none, the last definition anywhere.
    """
    own = next((cell.text for cell in cells if cell.name == function), "")
    other = [cell for cell in cells if cell.kind == "code" and not cell.name]
    if definition_in(own, function):
        other = [cell for cell in other if function in cell.anew]
    found = [text for cell in other if (text := definition_in(cell.text, function))]
    return found[-1] if found else own


def first_of(functions: list[Part]) -> Part | None:
    """The function to look at first: where most was lost; None where nothing was."""
    worst = max(functions, key=lambda part: (part.lost, bool(part.diagnoses)), default=None)
    return worst if worst is not None and worst.lost > 0 else None


# --- written answers ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What a page says of a written answer. blank: nothing was written; open: not yet marked;
    before: its points and comment are those of another answer, which was marked
    """

    name: str
    question: str
    points: float
    maximum: float
    open: bool
    before: bool
    blank: bool
    comment: str
    text: Markup


def answer_of(assignment: Assignment, name: str, marks: Marks | None, cells: list[Cell]) -> Answer:
    """What there is to say of a written answer."""
    cell = next((cell for cell in cells if cell.name == name), None)
    mark = marks.cells.get(name) if marks else None
    mark = mark or Mark(name, 0.0, assignment.written[name], None, False, True)
    return Answer(
        name=name,
        question=name.replace("_", " ").capitalize(),
        points=mark.points,
        maximum=mark.maximum,
        open=mark.open,
        before=mark.open and mark.by_hand,
        blank=mark.automatic is not None and not mark.by_hand,
        comment=plain(mark.comment),
        text=markdown(cell.text, cell.attachments) if cell else Markup(),
    )
