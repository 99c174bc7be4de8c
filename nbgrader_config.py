"""nbgrader's settings for this course: run `nbgrader` here. Settings stand in course.toml."""

from pathlib import Path

from autograder.gradebook.settings import configure

configure(get_config(), Path(__file__).resolve().parent)  # noqa: F821 - traitlets provides it
