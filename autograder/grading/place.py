"""Where what is known of an assignment's programs lies: the table of them, whose name changes with
anything that it depends on, and what they have answered.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from autograder.assignment import ENGINE, Assignment

MADE = (  # in grading/
    "edits", "finder", "function", "expressions", "blocks",
    "rewrites", "rewriter", "sums", "records", "inputs", "turns", "methods", "visits",
    "forms", "change", "trees", "sketch", "ladder", "table",
)  # fmt: skip


def digest(assignment: Assignment) -> str:
    """Changes with anything that the table depends on."""
    files = [assignment.solution, assignment.folder / "ladder.toml", *assignment.variants]
    files += [mistake.path for mistake in assignment.mistakes]
    files += [ENGINE / "grading" / f"{name}.py" for name in MADE]
    files += sorted((ENGINE / "sandbox" / "inside").glob("*.py"))
    made = hashlib.sha256(f"{version('torch')} {assignment.start}".encode())
    for file in files:
        content = file.read_bytes() if file.is_file() else b""
        made.update(file.name.encode() + b"\0" + hashlib.sha256(content).digest())
    return made.hexdigest()[:16]


def file_of(assignment: Assignment) -> Path:
    """Where the table of an assignment lies, or will."""
    folder = assignment.course.results / assignment.slug / "edits"
    return folder / f"{digest(assignment)}.npz"


def replies_folder(assignment: Assignment) -> Path:
    """Where the replies of an assignment's known programs lie."""
    return assignment.course.results / assignment.slug / "known"
