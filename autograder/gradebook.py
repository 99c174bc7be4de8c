"""A class into nbgrader's gradebook: graded in parallel by the engine, entered by nbgrader itself.

course/                              nbgrader's course; nbgrader_config.py at the course kit's root describes it
    submitted/<student>/<slug>/      what was collected
    results/<slug>/                  what the engine graded (grading.py); nbgrader's autograde finds it there
    autograded/  feedback/  gradebook.db    nbgrader's own
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat

from autograder.assignment import Assignment
from autograder.errors import AutograderError
from autograder.grading import write_whole

WRAPPED = "Handed in as the module `{name}`, which is what was graded."


def wrap_modules(course: Path, assignment: Assignment) -> list[Path]:
    """Lay a notebook without code beside each module that was handed in alone, since nbgrader skips students who have no notebook.

    The notebook carries no answer: of a module and a notebook without code, the module counts.
    """
    laid = []
    for folder in sorted((course / "course" / "submitted").glob(f"*/{assignment.slug}")):
        module, notebook = folder / f"{assignment.slug}.py", folder / f"{assignment.slug}.ipynb"
        if os.path.lexists(module) and not os.path.lexists(notebook):
            cell = nbformat.v4.new_markdown_cell(WRAPPED.format(name=module.name), id="handed-in")
            write_whole(notebook, nbformat.writes(nbformat.v4.new_notebook(cells=[cell])) + "\n")
            laid.append(notebook)
    return laid


def nbgrader(course: Path, *words: str) -> None:
    """Run one nbgrader command on the course; AutograderError with its last words where it fails."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # where nbgrader finds alembic
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=course, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise AutograderError(f"`nbgrader {' '.join(words)}` failed in {course}:\n{tail}")


def enter(course: Path, assignment: Assignment) -> None:
    """Enter the class's results into the gradebook. What was graded already comes from the store; nbgrader starts no kernel."""
    nbgrader(course, "autograde", assignment.slug, "--force")


def feedback(course: Path, assignment: Assignment) -> None:
    """Write every student's feedback page."""
    nbgrader(course, "generate_feedback", assignment.slug, "--force")
