"""Feedback where nbgrader writes it: its command, its button and the exchange go on as ever.

nbgrader calls `FeedbackExporter` (see `gradebook/settings.py`) where it would render the notebook.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter

from autograder.assignment import find_assignment
from autograder.course import Course
from autograder.gradebook.commands import refresh_penalties
from autograder.gradebook.marks import roster
from autograder.grading.rounds import Rounds
from autograder.pages.feedback import feedback_page


class FeedbackExporter(Exporter):
    """What `nbgrader generate_feedback` makes pages with."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> Any:
        """The page of an autograded notebook, and the resources as nbconvert's exporters give
        them.
        """
        converter: Any = self.parent
        asked = resources["nbgrader"]
        course = Course(Path(converter.coursedir.root).parent)
        assignment = find_assignment(course, asked["assignment"])
        refresh_penalties(course, assignment.slug, asked["student"])
        marks = roster(course, assignment.slug, asked["student"]).marks.get(asked["student"])
        resources["output_extension"] = self.file_extension
        Rounds(course.rounds(assignment.slug)).close()  # feedback goes out
        notebook = json.loads(Path(filename).read_text(encoding="utf-8"))
        return feedback_page(assignment, asked["student"], notebook, marks), resources
