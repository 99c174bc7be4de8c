"""`nbgrader export` as a table that any program reads as it was meant: names with commas are one
column, and what a spreadsheet would take for a formula is text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExportPlugin

from autograder.course import Course, write_whole
from autograder.gradebook.commands import refresh_penalties
from autograder.gradebook.spreadsheets import is_formula

COLUMNS = (  # nbgrader's own
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
    "raw_score", "late_submission_penalty", "score", "max_score",
)  # fmt: skip
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


class CsvExport(ExportPlugin):
    """nbgrader's exporter: the columns of its own, one line an assignment and student."""

    def export(self, gradebook: Gradebook) -> None:
        """Write grades.csv, or the file that `--to` names."""
        root = self.config.CourseDirectory.root  # none where no settings of a course were read
        if isinstance(root, str):
            refresh_penalties(Course(Path(root).parent))
            gradebook.db.expire_all()
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        assignments, students = set(map(str, self.assignment)), set(map(str, self.student))
        for row in rows(gradebook):
            if assignments and row["assignment"] not in assignments:
                continue
            if students and row["student_id"] not in students:
                continue
            writer.writerow([safe(row[name]) for name in COLUMNS])
        file = Path(self.to or "grades.csv")
        self.log.info("Exporting grades to %s", file)
        write_whole(file, text.getvalue())


def rows(gradebook: Any) -> Iterator[dict[str, Any]]:
    """The grades of a gradebook; nothing handed in is nothing earned."""
    for assignment in gradebook.assignments:
        for student in gradebook.students:
            row = {
                "assignment": assignment.name,
                "duedate": assignment.duedate,
                "timestamp": None,
                "student_id": student.id,
                "last_name": student.last_name,
                "first_name": student.first_name,
                "email": student.email,
                "raw_score": 0.0,
                "late_submission_penalty": 0.0,
                "score": 0.0,
                "max_score": assignment.max_score,
            }
            try:
                submission = gradebook.find_submission(assignment.name, student.id)
            except MissingEntry:
                yield row
                continue
            lost = submission.late_submission_penalty or 0.0
            yield row | {
                "timestamp": submission.timestamp,
                "raw_score": submission.score,
                "late_submission_penalty": lost,
                "score": max(0.0, submission.score - lost),
            }


def safe(value: Any) -> str:
    """A value as a cell of a table: a text that a spreadsheet would calculate begins with an
    apostrophe.
    """
    text = "" if value is None else str(value)
    if is_formula(text) and not NUMBER.fullmatch(text):
        return f"'{text}"
    return text
