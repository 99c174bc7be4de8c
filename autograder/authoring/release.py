"""Staff's side in; students' side and nbgrader's source out.

    assignments/<slug>/       what students receive: README.md, <slug>.ipynb, test_public.py,
                              the student kit, the ladder of smallest examples,
                              requirements.txt, data/ where there is any
    course/source/<slug>/     nbgrader's source: the same files, the notebook with solutions

What lies beside these in a released folder, a person's notes for instance, stays there; data/ and
files with names of the kit are a release's own, whoever laid them. A rebuild changes no byte, and
nothing is written before the leak guard has seen all of it. What nbgrader makes of its source is
`gradebook.commands`' matter.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.authoring.folder import not_python
from autograder.authoring.handout import (
    STUB,
    as_authoring_error,
    notebook_bytes,
    source_notebook,
    student_notebook,
)
from autograder.authoring.leaks import guard
from autograder.authoring.released_ladder import ladder_files
from autograder.course import STUDENTS, Course, write_whole

KIT = Path(__file__).with_name("student_kit")
README = Path(__file__).with_name("skeleton") / "released_README.md"
LITTER = ("__pycache__", ".ipynb_checkpoints", ".pytest_cache")
OF_A_RELEASE = ("data/*", "kit_*.py", "ladder*.json", "ladder_*.py")  # nobody else lays these

Files = dict[str, bytes]


@dataclass(frozen=True)
class Built:
    """An assignment's files by their path in its folder: the students' and nbgrader's source."""

    assignment: Assignment
    student: Files
    source: Files


def release(assignments: Sequence[Assignment]) -> list[Path]:
    """Lay each assignment in `assignments/` and as nbgrader's source; gives the files that changed
    or went. What else lies in `assignments/` stays there: see `strays`.
    """
    built = [build(assignment) for assignment in assignments]
    for files in built:
        guard(files.assignment, files.student)
    changed = []
    for files in built:
        assignment = files.assignment
        changed += lay(assignment.released, files.student, OF_A_RELEASE)
        changed += lay(assignment.course.source / assignment.slug, files.source)
    return changed


def strays(assignments: Sequence[Assignment]) -> list[Path]:
    """The files in `assignments/` that are no part of a release, and stay there."""
    found = []
    for assignment in assignments:
        files = build(assignment).student
        for name, path in files_in(assignment.released).items():
            if name not in files and not _is_of(OF_A_RELEASE, name):
                found.append(path)
    return found


def drift(assignments: Sequence[Assignment]) -> list[str]:
    """What a release would change in `assignments/`, one line a file; nothing is written."""
    found = []
    for assignment in assignments:
        files = build(assignment).student
        guard(assignment, files)
        there = files_in(assignment.released)
        for name in sorted(files.keys() | there.keys()):
            place = f"{STUDENTS}/{assignment.slug}/{name}"
            if name not in there:
                found.append(f"{place} is missing")
            elif name in files:
                if files[name] != there[name].read_bytes():
                    found.append(f"{place} differs")
            elif _is_of(OF_A_RELEASE, name):
                found.append(f"{place} is not part of the release")
    return found


def build(assignment: Assignment) -> Built:
    """An assignment's files, in memory. AuthoringError where a file of the staff is no Python."""
    for error in not_python(assignment):
        raise error
    source = source_notebook(assignment)
    config = nbgrader_config(assignment.course)
    with as_authoring_error(assignment.folder / "handout.md"):
        student = student_notebook(source, config)
    requirements = "".join(f"{line}\n" for line in assignment.requirements)
    common: Files = {
        "README.md": readme(assignment).encode(),
        "requirements.txt": requirements.encode(),
        "test_public.py": assignment.checks[0].read_bytes(),
    }
    for path in sorted(KIT.iterdir()):
        if path.is_file():
            common[path.name] = path.read_bytes()
    common |= ladder_files(assignment)
    for name, path in files_in(assignment.folder / "data").items():
        common[f"data/{name}"] = path.read_bytes()
    name = assignment.notebook.name
    student_files = common | {name: notebook_bytes(student)}
    return Built(assignment, student_files, common | {name: notebook_bytes(source)})


def nbgrader_config(course: Course) -> Any:
    """The settings of the course's nbgrader_config.py; without one, those that a release needs."""
    from traitlets.config import Config
    from traitlets.config.loader import PyFileConfigLoader

    file = course.root / "nbgrader_config.py"
    config = Config()
    if file.is_file():
        config = PyFileConfigLoader(file.name, path=str(course.root)).load_config()
    config.CourseDirectory.root = str(course.work)
    if "code_stub" not in config.ClearSolutions:
        config.ClearSolutions.code_stub = {"python": STUB}
    return config


# --- README.md ------------------------------------------------------------------------------------


def readme(assignment: Assignment) -> str:
    """The student's README.md."""
    parts = [f"# {assignment.title}"]
    if assignment.objectives:
        lines = "\n".join(f"- {line}" for line in assignment.objectives)
        parts.append(f"When you have worked through this assignment you can:\n\n{lines}")
    rows = [f"| `{name}` | {points:g} |" for name, points in assignment.functions.items()]
    for points in assignment.written.values():
        rows.append(f"| written question, in the notebook | {points:g} (read by a person) |")
    parts.append("## Points\n\n| | points |\n|---|---|\n" + "\n".join(rows))
    has_data = (assignment.folder / "data").is_dir()
    data = "\n- `data/`: the data that the notebook reads" if has_data else ""
    text = README.read_text(encoding="utf-8")
    parts.append(text.replace("{slug}", assignment.slug).replace("{data}", data))
    return "\n\n".join(parts)


# --- files ----------------------------------------------------------------------------------------


def lay(folder: Path, files: Files, own: Sequence[str] = ("*",)) -> list[Path]:
    """Lay these files in a folder, each written whole; gives what changed or went.

    own: patterns of names; what is there and called so goes where it is none of these files
    """
    there = files_in(folder)
    changed = []
    for name, data in files.items():
        path = folder / name
        if name not in there or path.read_bytes() != data:
            write_whole(path, data)
            changed.append(path)
    for name in there.keys() - files.keys():
        if _is_of(own, name):
            there[name].unlink()
            changed.append(there[name])
            _remove_empty(there[name].parent, folder)
    return changed


def _is_of(kinds: Sequence[str], name: str) -> bool:
    return any(fnmatchcase(name, kind) for kind in kinds)


def _remove_empty(inner: Path, folder: Path) -> None:
    """Remove a folder where nothing is left in it, and so on up to `folder`."""
    while inner != folder and not any(inner.iterdir()):
        inner.rmdir()
        inner = inner.parent


def files_in(folder: Path) -> dict[str, Path]:
    """The files below a folder by their path in it, without what Python and Jupyter leave, and
    without environments.
    """
    found = {}
    for place, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if not _is_litter(Path(place, name))]
        for path in (Path(place, name) for name in (*names, *inner)):
            if (path.is_file() or path.is_symlink()) and path.name not in LITTER:
                found[path.relative_to(folder).as_posix()] = path
    return dict(sorted(found.items()))


def _is_litter(inner: Path) -> bool:
    return inner.name in LITTER or (inner / "pyvenv.cfg").is_file()
