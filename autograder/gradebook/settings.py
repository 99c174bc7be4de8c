"""What a course's nbgrader_config.py hands to nbgrader.

`nbgrader autograde` runs no student code itself and starts no kernel: `bridge` rebuilds each
submission from the released notebook, and takes its points from a grading in the sandbox.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.authoring.handout import STUB
from autograder.course import SETTINGS, Course, late_policy
from autograder.gradebook.formgrader import hold

NBGRADERS_COURSE = "default_course"  # the course that a gradebook has where nobody names one


def configure(c: Any, root: Path) -> None:
    """Set up nbgrader for the course at `root`. c: traitlets' configuration, from `get_config()`"""
    hold()
    course = Course(root)
    settings = course.settings
    # nbgrader adds a submission before its session has it, and SQLAlchemy says so, four times each
    warnings.filterwarnings("ignore", message=r"Object of type <Submitted\w+> not in session")
    c.CourseDirectory.root = str(course.work)
    if settings.course_id:
        c.CourseDirectory.course_id = settings.course_id
    elif settings.gradebook:  # a server minds a course that is not there; SQLite does not
        c.CourseDirectory.course_id = NBGRADERS_COURSE
    if settings.gradebook:
        c.CourseDirectory.db_url = settings.gradebook
    if settings.exchange:
        c.Exchange.root = settings.exchange
    if settings.late:
        rule = late_policy(root / SETTINGS, settings.late)
        c.AssignLatePenalties.plugin_class = "autograder.gradebook.late.LatePolicy"
        c.LatePolicy.update(asdict(rule))
    c.ZipCollectApp.extractor_plugin = "autograder.gradebook.collector.Archives"
    c.ZipCollectApp.collector_plugin = "autograder.gradebook.collector.LmsFileNames"
    c.FileNameCollectorPlugin.valid_ext = [".ipynb", ".py"]
    c.ExportApp.plugin_class = "autograder.gradebook.export.CsvExport"
    c.ExchangeFactory.collect = "autograder.gradebook.exchange.Collect"
    c.ExchangeFactory.release_feedback = "autograder.gradebook.exchange.ReleaseFeedback"
    c.ExchangeFactory.fetch_feedback = "autograder.gradebook.exchange.FetchFeedback"
    c.HTMLExporter.preprocessors = ["autograder.gradebook.marking.Marking"]
    c.HTMLExporter.filters = {"markdown2html": "autograder.gradebook.marking.markdown2html"}
    c.ClearSolutions.code_stub = {"python": STUB}
    c.Autograde.exporter_class = "autograder.gradebook.bridge.SubmissionExporter"
    c.Autograde.sanitize_preprocessors = [
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        "autograder.gradebook.bridge.GradeInSandbox",
        "autograder.gradebook.bridge.SaveMarks",
        "autograder.gradebook.late.GrantExtensions",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.GenerateFeedback.exporter_class = "autograder.pages.exporter.FeedbackExporter"
