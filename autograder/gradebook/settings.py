"""What a course's nbgrader_config.py hands to nbgrader.

`nbgrader autograde` runs no student code itself and starts no kernel: `bridge` rebuilds each
submission from the released notebook, and takes its points from a grading in the sandbox.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autograder.authoring.handout import STUB
from autograder.course import Course


def configure(c: Any, root: Path) -> None:
    """Set up nbgrader for the course at `root`. c: traitlets' configuration, from `get_config()`"""
    course = Course(root)
    settings = course.settings
    c.CourseDirectory.root = str(course.work)
    if settings.course_id:
        c.CourseDirectory.course_id = settings.course_id
    if settings.gradebook:
        c.CourseDirectory.db_url = settings.gradebook
    if settings.exchange:
        c.Exchange.root = settings.exchange
    c.ClearSolutions.code_stub = {"python": STUB}
    c.Autograde.exporter_class = "autograder.gradebook.bridge.SubmissionExporter"
    c.Autograde.sanitize_preprocessors = [
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        "autograder.gradebook.bridge.GradeInSandbox",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.GenerateFeedback.exporter_class = "autograder.pages.feedback.FeedbackExporter"
