"""What several commands are given, and where it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from autograder.assignment import Assignment

Workers = Annotated[
    int,
    typer.Option(
        min=0, help="Submissions graded at a time; 0: course.toml's, else the number of cores."
    ),
]
NoPreflight = Annotated[
    bool,
    typer.Option("--no-preflight", help="Grade even where right answers would lose points."),
]
Slugs = Annotated[
    Optional[list[str]], typer.Argument(help="Assignments; all of the course if none is named.")
]


def chosen_assignments(slugs: list[str] | None) -> list[Assignment]:
    """The assignments of the course here called `slugs`, all where none is named."""
    from autograder.assignment import find_assignment, find_assignments
    from autograder.course import Course

    course = Course.find()
    return [find_assignment(course, slug) for slug in slugs] if slugs else find_assignments(course)
