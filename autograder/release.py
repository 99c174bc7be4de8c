"""Staff's side in; students' side and nbgrader's source out.

    assignments/<slug>/         what students receive: README.md, <slug>.ipynb, test_public.py, conftest.py, pytest.ini,
                                requirements.txt, data/ where there is any
    course/source/<slug>/       nbgrader's source: the same files, the notebook with solutions and model answers
    course/release/<slug>/      what `nbgrader generate_assignment` makes of it, entered in course/gradebook.db

A rebuild changes no byte, and nothing is written before the leak guard has seen all of it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.assignment import STUDENTS, Assignment
from autograder.errors import AutograderError, UsageError
from autograder.handout import INSTALL, STUB, notebook_bytes, source_notebook, student_notebook
from autograder.leaks import guard

KIT = Path(__file__).parent / "student_kit"
LITTER = ("__pycache__", ".ipynb_checkpoints", ".pytest_cache")

Files = dict[str, bytes]


@dataclass(frozen=True)
class Built:
    """An assignment's files by their path inside its folder: the students' and nbgrader's source."""

    student: Files
    source: Files


def release(course: Path, assignments: Sequence[Assignment], *, nbgrader: bool = True) -> list[Path]:
    """Lay each assignment in `assignments/` and in nbgrader's course; gives the files that changed or went.

    nbgrader: also have nbgrader make its release and enter the assignments in the gradebook
    """
    built = [(assignment, build(assignment, course)) for assignment in assignments]
    for assignment, files in built:
        guard(assignment, files.student)
    changed = []
    for assignment, files in built:
        changed += lay(assignment.released, files.student)
        changed += lay(course / "course" / "source" / assignment.slug, files.source)
        if nbgrader and not _generated(course, assignment, files.student):
            generate(course, assignment)
            changed.append(course / "course" / "release" / assignment.slug)
    return changed


def drift(course: Path, assignments: Sequence[Assignment]) -> list[str]:
    """What a release would change in `assignments/`, one line a file; nothing is written."""
    found = []
    for assignment in assignments:
        files = build(assignment, course).student
        guard(assignment, files)
        there = _files_in(assignment.released)
        for name in sorted(files.keys() | there.keys()):
            what = "is missing" if name not in there else "is not part of the release" if name not in files else "differs"
            if what != "differs" or files[name] != there[name].read_bytes():
                found.append(f"{STUDENTS}/{assignment.slug}/{name} {what}")
    return found


def build(assignment: Assignment, course: Path) -> Built:
    """An assignment's files, in memory."""
    source = source_notebook(assignment)
    student = student_notebook(source, nbgrader_config(course))
    common: Files = {
        "README.md": readme(assignment).encode(),
        "requirements.txt": "".join(f"{line}\n" for line in assignment.requirements).encode(),
        "test_public.py": assignment.checks[0].read_bytes(),
    }
    common |= {path.name: path.read_bytes() for path in sorted(KIT.iterdir()) if path.is_file()}
    common |= {f"data/{name}": path.read_bytes() for name, path in _files_in(assignment.folder / "data").items()}
    name = f"{assignment.slug}.ipynb"
    return Built(common | {name: notebook_bytes(student)}, common | {name: notebook_bytes(source)})


# --- README.md --------------------------------------------------------------------------------------------------------


def readme(assignment: Assignment) -> str:
    """The student's README.md."""
    slug = assignment.slug
    parts = [f"# {assignment.title}"]
    if assignment.objectives:
        lines = "\n".join(f"- {line}" for line in assignment.objectives)
        parts.append(f"When you have worked through this assignment you can:\n\n{lines}")
    rows = [f"| `{name}` | {points:g} |" for name, points in assignment.functions.items()]
    rows += [f"| written question, in the notebook | {points:g} (read by a person) |" for points in assignment.written.values()]
    parts.append("## Points\n\n| | points |\n|---|---|\n" + "\n".join(rows))
    parts.append(README.format(slug=slug, data="\n- `data/`: the data that the notebook reads" if _has_data(assignment) else ""))
    return "\n\n".join(parts)


def _has_data(assignment: Assignment) -> bool:
    return (assignment.folder / "data").is_dir()


README = """\
## What is here

- `{slug}.ipynb`: the lesson, with a stub for every function that you write
- `test_public.py`: the public checks; read them, they show the first things that are expected of each function
- `conftest.py` and `pytest.ini`: what runs the checks; leave them as they are
- `requirements.txt`: the packages that you need{data}

## Install

You need Python 3.10 or newer. In this folder, on Linux and macOS:

    python3 -m venv .venv
    .venv/bin/pip install -r requirements.txt

On Windows:

    python -m venv .venv
    .venv\\Scripts\\pip install -r requirements.txt

A computer without a graphics card needs only the small build of PyTorch. On Linux, get that one before the other packages:

    .venv/bin/pip install torch --index-url https://download.pytorch.org/whl/cpu

## Work

Start Jupyter with `.venv/bin/jupyter lab` (Windows: `.venv\\Scripts\\jupyter lab`), open `{slug}.ipynb` and go
through it from the top. Where a cell says `YOUR CODE HERE`, replace the line below it; write your answer to a question over
`YOUR ANSWER HERE`. Keep the names and the parameters of the functions. You may add cells and functions of your own, and
change anything in the demonstrations.

## Check

Below every stub stands a cell such as `check("name")`. It runs the public checks of that function on what you have just
written, as often as you like. To run all of them outside the notebook, save it and say `.venv/bin/pytest` in this folder
(Windows: `.venv\\Scripts\\pytest`). A check calls your function on copies of its arguments, seeds torch before every call, and
starts it in float32 with gradients on, whatever the notebook has set.

The public checks are worth a small part of the points. Your grade comes from more checks than these: on other inputs, of
single steps, and of what a function leaves behind. A function that does what its description says passes them too.

## Hand in

Choose *Restart Kernel and Run All Cells* once, save, and hand in `{slug}.ipynb`. A module `{slug}.py` with the same
functions is graded as well, but has no room for written answers.
"""


# --- files ------------------------------------------------------------------------------------------------------------


def lay(folder: Path, files: Files) -> list[Path]:
    """Make a folder hold exactly these files, each written whole; gives those that changed or went."""
    there = _files_in(folder)
    changed = []
    for name, data in files.items():
        path = folder / name
        if name not in there or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            temporary.write_bytes(data)
            os.replace(temporary, path)
            changed.append(path)
    for name in there.keys() - files.keys():
        there[name].unlink()
        changed.append(there[name])
    for inner in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        if not any(inner.iterdir()):
            inner.rmdir()
    return changed


def _files_in(folder: Path) -> dict[str, Path]:
    """The files below a folder by their path in it, without what Python and Jupyter leave behind."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    found = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path for name, path in found.items() if not any(part in LITTER for part in Path(name).parts)}


# --- nbgrader ---------------------------------------------------------------------------------------------------------


def nbgrader_config(course: Path) -> Any:
    """The settings of the course's nbgrader_config.py; without one, those that a release needs."""
    from traitlets.config import Config
    from traitlets.config.loader import PyFileConfigLoader

    file = course / "nbgrader_config.py"
    config = PyFileConfigLoader(file.name, path=str(course)).load_config() if file.is_file() else Config()
    config.CourseDirectory.root = str(course / "course")
    if "code_stub" not in config.ClearSolutions:
        config.ClearSolutions.code_stub = {"python": STUB}
    return config


def generate(course: Path, assignment: Assignment) -> None:
    """Run `nbgrader generate_assignment`; AutograderError with its log where it fails."""
    try:
        from nbgrader.apps import NbGraderAPI
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed. {INSTALL}") from None
    with alembic_on_path(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = NbGraderAPI(config=nbgrader_config(course)).generate_assignment(assignment.slug, force=True, create=True)
    if not result["success"]:
        why = f"{result.get('log') or ''}{result.get('error') or ''}"
        raise AutograderError(f"nbgrader cannot make its release of {assignment.slug}:\n{why}")


@contextlib.contextmanager
def alembic_on_path() -> Iterator[None]:
    """nbgrader makes a gradebook with the command `alembic`, which lies beside this Python, activated or not."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), before))
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _generated(course: Path, assignment: Assignment, files: Files) -> bool:
    """Whether nbgrader's release is this one already, and its gradebook knows it."""
    made = _files_in(course / "course" / "release" / assignment.slug)
    if made.keys() != files.keys() or any(files[name] != made[name].read_bytes() for name in files):
        return False
    gradebook = course / "course" / "gradebook.db"
    if not gradebook.is_file():
        return False
    question = "select count(*) from assignment where name = ?"
    with contextlib.closing(sqlite3.connect(f"{gradebook.as_uri()}?mode=ro", uri=True)) as database:
        try:
            return bool(database.execute(question, (assignment.slug,)).fetchone()[0])
        except sqlite3.Error:
            return False
