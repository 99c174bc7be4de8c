"""nbgrader's settings for this course. Run `nbgrader` in this folder; what it keeps lies in course/.

`nbgrader autograde` runs no student code itself and starts no kernel: autograder.nbgrader_bridge rebuilds each submission from the
released notebook, and takes its points from a grading in the sandbox.
"""

from pathlib import Path

from autograder.handout import STUB

c = get_config()  # noqa: F821 - traitlets provides it

c.CourseDirectory.root = str(Path(__file__).resolve().parent / "course")
c.ClearSolutions.code_stub = {"python": STUB}

c.Autograde.exporter_class = "autograder.nbgrader_bridge.SubmissionExporter"
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "autograder.nbgrader_bridge.GradeInSandbox",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
