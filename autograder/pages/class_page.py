"""The class page: one file, no server; and the same as a table.

    course/report/<assignment>.html                 with names
    course/report/<assignment>-anonymous.html       without a name, or a word of anybody's

What a row opens is built by the page's own script from data in it, as text alone. A page without
names leaves out what students wrote too (code, messages), dates and links, as these tell who it is.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autograder.assignment import Assignment
from autograder.course import write_whole
from autograder.gradebook.marks import CHECK_PREFIX
from autograder.gradebook.spreadsheets import is_formula
from autograder.pages.classroom import (
    Convergence,
    Shared,
    convergences,
    lead,
    mean,
    misconceptions,
    rates,
)
from autograder.pages.drawing import class_chart, histogram
from autograder.pages.gathering import Classroom, Student, gather
from autograder.pages.page import data, page
from autograder.results import Result

SCRIPT = "class.js"
MESSAGE = 160  # characters of a message in a row's details
MOST_MESSAGES = 2_000_000  # characters of all messages on a page; what is beyond is left out
STATUS = {
    "unreadable": "unreadable",
    "missing": "no file",
    "grader_error": "the grader failed",
    "": "not graded yet",
}


def write_class_page(
    assignment: Assignment, graded: Sequence[Result] | None = None, *, anonymous: bool = False
) -> Path:
    """Write the class page of an assignment as it stands; gives its file. graded: as `gather` has
    them
    """
    return lay(gather(assignment, graded), anonymous=anonymous)


def lay(classroom: Classroom, *, anonymous: bool) -> Path:
    """Write a class's page; gives its file."""
    name = f"{classroom.assignment.slug}{'-anonymous' if anonymous else ''}.html"
    file = classroom.assignment.course.report / name
    text = class_page(classroom, anonymous=anonymous)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        write_whole(file, text)
    return file


def class_page(classroom: Classroom, *, anonymous: bool = False) -> str:
    """The page's text."""
    called = names(classroom, anonymous=anonymous)
    failed, shared = rates(classroom), misconceptions(classroom, with_code=not anonymous)
    graded = classroom.graded
    students = classroom.students
    if anonymous:
        students = tuple(sorted(students, key=lambda one: called[one.id]))
    return page(
        "class.html",
        SCRIPT,
        title=classroom.assignment.title,
        lead=lead(classroom, failed, shared),
        assignment=classroom.assignment,
        anonymous=anonymous,
        count=len(students),
        graded=len(graded),
        mean=mean(one.result.score for one in graded if one.result),
        chart=histogram([share_of(one) for one in graded], classroom.assignment.max_score),
        rates=failed,
        shared=[shown(one, called) for one in shared],
        runs=[drawn(one, called) for one in convergences(classroom)],
        problems=[row for one in students if (row := problem(one, called, anonymous=anonymous))],
        changes=changed(classroom, called),
        rows=[row_of(classroom, one, called, anonymous=anonymous) for one in students],
        entered=any(one.marks for one in students),
        functions=list(classroom.assignment.functions),
        details=details(students, called, anonymous=anonymous),
    )


def names(classroom: Classroom, *, anonymous: bool) -> dict[str, str]:
    """What each student is called on the page. Anonymous: numbers, in an order that follows
    neither names nor dates, and is the same next time.
    """
    if not anonymous:
        return {
            one.id: f"{one.name} ({one.id})" if one.name else one.id for one in classroom.students
        }
    key = classroom.assignment.course.secret().encode()

    def mixed(student: Student) -> bytes:
        words = f"{classroom.assignment.slug}/{student.id}".encode(errors="surrogateescape")
        return hmac.new(key, words, hashlib.sha256).digest()

    order, wide = sorted(classroom.students, key=mixed), len(str(len(classroom.students)))
    return {one.id: f"student {number:0{wide}}" for number, one in enumerate(order, 1)}


def share_of(student: Student) -> float:
    result = student.result
    return result.score / result.max_score if result is not None else 0.0


def titles_of(student: Student) -> str:
    found = student.result.diagnosis if student.result else ()
    return "; ".join(dict.fromkeys(one.title for one in found if one.title))


# --- the parts of the page ------------------------------------------------------------------------


def shown(shared: Shared, called: dict[str, str]) -> dict[str, Any]:
    """A misconception as the template has it."""
    return {
        "title": shared.title or "Behaves alike, and nobody has a name for it yet",
        "hint": shared.hint,
        "functions": shared.functions,
        "members": [(one.id, called[one.id]) for one in shared.members],
        "code": shared.code,
    }


def drawn(runs: Convergence, called: dict[str, str]) -> dict[str, Any]:
    """A class's curves as the template has them."""
    curves = [(curve, called[student.id]) for student, curve in runs.runs]
    return {
        "function": runs.check.function,
        "title": runs.check.title,
        "count": len(curves),
        "chart": class_chart(curves, set(runs.apart)),
        "apart": [(called[runs.runs[place][0].id], what) for place, what in runs.apart.items()],
    }


def problem(
    student: Student, called: dict[str, str], *, anonymous: bool
) -> tuple[str, str, str] | None:
    """A student who was not graded or met a limit, and why; None for all others."""
    who, result = called[student.id], student.result
    if student.path is None:
        return who, "missing", "has handed in nothing"
    if result is None:
        return who, STATUS[""], "there is no result with the checks of today: grade the class"
    if result.status != "graded":
        return who, STATUS[result.status], "" if anonymous else result.message
    ended = [check.outcome for check in result.tests]
    for outcome in ("timed_out", "out_of_memory", "output_limit", "died"):
        if outcome in ended:
            return who, outcome.replace("_", " "), f"{ended.count(outcome)} checks ended so"
    return None


def changed(classroom: Classroom, called: dict[str, str]) -> dict[str, Any]:
    """What today's checks changed, as the template has it: what `grade --diff` says."""
    told = classroom.changes
    rows = [
        (called[one.result.student or ""], one.before, one.result.score, list(map(str, one.moves)))
        for one in told.moved
    ]
    return {
        "rows": rows,
        "checks": told.checks,
        "others": told.others,
        "balanced": len(rows) - told.others,
        "new": told.new,
        "unknown": told.unknown,
        "count": told.count,
    }


def row_of(
    classroom: Classroom, student: Student, called: dict[str, str], *, anonymous: bool
) -> dict[str, Any]:
    """A student's row in the table."""
    result, marks = student.result, student.marks
    changed = [mark for mark in marks.cells.values() if mark.automatic is not None] if marks else []
    dated = marks is not None and marks.handed_in is not None and not anonymous
    status = result.status if result is not None else ""
    return {
        "id": called[student.id] if anonymous else student.id,
        "name": called[student.id],
        "total": marks.total if marks else None,
        "open": marks.open if marks else False,
        "by_hand": any(mark.by_hand for mark in changed),
        "penalty": marks.penalty if marks else 0.0,
        "score": result.score if student.graded and result else None,
        "by_function": [earned(student, name) for name in classroom.assignment.functions],
        "mistakes": titles_of(student),
        "late": marks.late if marks else timedelta(),
        "handed_in": f"{marks.handed_in:%Y-%m-%d %H:%M}" if marks and dated else "",
        "seconds": result.seconds if student.graded and result else None,
        "status": "" if student.graded else "missing" if student.path is None else STATUS[status],
        "link": "" if anonymous else link_to(classroom, student),
    }


def earned(student: Student, function: str) -> float | None:
    """The points of a function: those of the gradebook, where it has them."""
    mark = student.marks.cells.get(CHECK_PREFIX + function) if student.marks else None
    if mark is not None:
        return mark.points
    return student.result.earned(function) if student.graded and student.result else None


def link_to(classroom: Classroom, student: Student) -> str:
    """Where a student's feedback lies, from the class page; "" where there is none."""
    course, slug = classroom.assignment.course, classroom.assignment.slug
    parts = (student.id, slug, f"{slug}.html")
    if student.path is None or not course.feedback.joinpath(*parts).is_file():
        return ""
    quoted = (quote(part, safe="", errors="surrogateescape") for part in parts)
    return f"../{course.feedback.name}/{'/'.join(quoted)}"


# --- what a row opens -----------------------------------------------------------------------------


class Words:
    """Texts by number, each kept once."""

    def __init__(self) -> None:
        self.listed: list[str] = []
        self._places: dict[str, int] = {}
        self.size = 0

    def place(self, text: str) -> int:
        if text not in self._places:
            self._places[text] = len(self.listed)
            self.listed.append(text)
            self.size += len(text)
        return self._places[text]


def details(students: Sequence[Student], called: dict[str, str], *, anonymous: bool) -> Any:
    """The results as data for the page's script: by student, what failed, and why."""
    words = Words()
    found = {}
    for one in students:
        result = one.result
        if result is None:
            continue
        key = called[one.id] if anonymous else one.id
        found[key] = {
            "why": "" if anonymous else result.message,
            "failed": [
                [
                    words.place(check.function),
                    words.place(check.title),
                    check.points,
                    words.place(_message(check.message, words, anonymous=anonymous)),
                ]
                for check in result.tests
                if check.outcome != "passed"
            ],
            "known": [
                [words.place(known.function), words.place(known.title), words.place(known.hint)]
                for known in result.diagnosis
                if known.title
            ],
        }
    text = json.dumps({"words": words.listed, "students": found}, separators=(",", ":"))
    return data(text)


def _message(message: str, words: Words, *, anonymous: bool) -> str:
    if anonymous or words.size > MOST_MESSAGES:
        return ""
    return message if len(message) <= MESSAGE else message[: MESSAGE - 1] + "…"


# --- as a table -----------------------------------------------------------------------------------


def safe(value: Any) -> Any:
    """A cell of a spreadsheet that is text where it is text: what a spreadsheet would compute is
    led by an apostrophe, and control characters are gone.
    """
    if not isinstance(value, str):
        return value
    text = "".join(letter for letter in value if letter.isprintable())
    return f"'{text}" if is_formula(text) or is_formula(value) else text


def table(classroom: Classroom, *, anonymous: bool = False) -> list[dict[str, Any]]:
    """A row for each student: points, lateness, mistakes, and the points of each check."""
    called = names(classroom, anonymous=anonymous)
    rows = []
    for one in classroom.students:
        result, marks = one.result, one.marks
        row: dict[str, Any] = {
            "assignment": classroom.assignment.slug,
            "student": called[one.id] if anonymous else one.id,
            "status": "missing" if one.path is None else result.status if result else "not graded",
            "points": result.score if one.graded and result else "",
            "of": classroom.assignment.max_score,
            "total": marks.total if marks else "",
            "total of": marks.maximum if marks else "",
            "penalty": marks.penalty if marks else "",
            "late": "yes" if marks and marks.late else "",
            "to be marked": "yes" if marks and marks.open else "",
            "mistakes": titles_of(one),
        }
        if not anonymous:
            row["name"] = one.name
            row["late seconds"] = int(marks.late.total_seconds()) if marks else ""
        for function in classroom.assignment.functions:
            value = earned(one, function)
            row[f"points of {function}"] = "" if value is None else value
        for check in result.tests if result else ():
            row[check.name] = check.earned
        rows.append(row)
    return sorted(rows, key=lambda row: str(row["student"])) if anonymous else rows


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Rows as a CSV file's text; columns in the order in which they first come."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([safe(name) for name in columns])
    for row in rows:
        writer.writerow([safe(row.get(name, "")) for name in columns])
    return text.getvalue()
