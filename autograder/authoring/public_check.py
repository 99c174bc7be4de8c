"""The public checks alone, on one's own machine and code: what `autograder check PATH` does.

No sandbox and nothing hidden, on any operating system: the checks run in a Python of their own,
through the same `conftest.py` that every released folder has.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from autograder.course import Course
from autograder.errors import UsageError
from autograder.grading.submission import counts

KIT = "autograder.authoring.student_kit"
SETTINGS = Path(__file__).with_name("student_kit") / "pytest.ini"

CHECKS = "test_public.py"


def check(path: Path, assignment: str | None = None) -> int:
    """Run the public checks on a module, a notebook or a folder that holds one; 0 where all passed,
    else 1.

    assignment: its name; without one it is the file's name, or the name of a folder above it
    """
    path = path.absolute()
    if not path.exists():
        raise UsageError(f"there is no {path}")
    checks = find_checks(path, assignment)
    if path.is_dir():
        path = counting_file(path, checks.parent.name)
    command = [sys.executable, "-m", "pytest", "-c", str(SETTINGS), "--rootdir", str(checks.parent)]
    command += ["--noconftest", "--disable-plugin-autoload", "-p", f"{KIT}.conftest"]
    command += [f"--submission={path}", str(checks)]
    return 0 if subprocess.run(command, cwd=path.parent, check=False).returncode == 0 else 1


def find_checks(path: Path, assignment: str | None) -> Path:
    """The public checks for a submission: of the course around it or here, else those that lie
    beside it.
    """
    folders = [path, *path.parents] if path.is_dir() else list(path.parents)
    names = [assignment] if assignment else [path.stem, *(folder.name for folder in folders)]
    for side in sides(folders[0]):
        for name in names:
            checks = side / name / CHECKS
            if name and checks.is_file():
                return checks
    beside = folders[0] / CHECKS
    if beside.is_file() and assignment in (None, folders[0].name):
        return beside
    wanted = assignment or path.name
    mend = f"Name the assignment with --assignment, or put {CHECKS} beside the file."
    raise UsageError(f"no public checks of {wanted} here. {mend}")


def sides(folder: Path) -> Iterator[Path]:
    """The students' and the staff's side of the course around a folder, then of the one around the
    working directory.
    """
    for start in (folder, None):
        with suppress(UsageError):
            course = Course.find(start)
            yield from (course.students, course.staff)


def counting_file(folder: Path, slug: str) -> Path:
    """The file of a folder that counts; UsageError where there is none."""
    path = counts(folder, slug)
    if not path.is_file():
        raise UsageError(f"there is no {slug}.ipynb or {slug}.py in {folder}")
    return path
