"""The public checks alone, on one's own machine and code: what `autograder check PATH` does.

No sandbox and nothing hidden, on any operating system: the checks run in a Python of their own, through the same
`conftest.py` that every released folder has.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from autograder.assignment import STAFF, STUDENTS, find_course
from autograder.errors import UsageError
from autograder.release import KIT

CHECKS = "test_public.py"


def check(path: Path, assignment: str | None = None) -> int:
    """Run the public checks on a module, a notebook or a folder that holds one; 0 where all passed, else 1.

    assignment: its name; without one it is the file's name, or the name of a folder above it
    """
    path = path.absolute()
    if not path.exists():
        raise UsageError(f"there is no {path}")
    checks = find_checks(path, assignment)
    if path.is_dir():
        path = submission_in(path, checks.parent.name)
    command = [sys.executable, "-m", "pytest", "-c", str(KIT / "pytest.ini"), "--rootdir", str(checks.parent), "--noconftest"]
    command += ["-p", "no:autograder", "-p", "autograder.student_kit.conftest", f"--submission={path}", str(checks)]
    return 0 if subprocess.run(command, cwd=path.parent, check=False).returncode == 0 else 1


def find_checks(path: Path, assignment: str | None) -> Path:
    """The public checks for a submission: of the course around it or here, else those that lie beside it."""
    folders = [path, *path.parents] if path.is_dir() else list(path.parents)
    names = [assignment] if assignment else [path.stem, *(folder.name for folder in folders)]
    for course in courses(folders[0]):
        for name in names:
            for side in (STUDENTS, STAFF):
                if name and (checks := course / side / name / CHECKS).is_file():
                    return checks
    beside = folders[0] / CHECKS
    if beside.is_file() and assignment in (None, folders[0].name):
        return beside
    wanted = assignment or path.name
    mend = f"Name the assignment with --assignment, or put {CHECKS} beside the file."
    raise UsageError(f"no public checks of {wanted} here. {mend}")


def courses(folder: Path) -> Iterator[Path]:
    """The course around a folder, and the one around the working directory."""
    for start in (folder, None):
        with suppress(UsageError):
            yield find_course(start)


def submission_in(folder: Path, slug: str) -> Path:
    """The file of a folder that counts: the assignment's notebook, else its module."""
    for name in (f"{slug}.ipynb", f"{slug}.py"):
        if (folder / name).is_file():
            return folder / name
    raise UsageError(f"there is no {slug}.ipynb or {slug}.py in {folder}")
