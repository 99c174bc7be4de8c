"""The same submissions with the same questions, as other graders ask them.

Each gets what suits it best: a notebook without demonstrations, checks that import no pytest where
none is needed, a module where it takes modules. None of them keeps the student's code apart from
the checks.

nbgrader    stock `nbgrader autograde`: a kernel a notebook, the checks as hidden tests in one cell
            for each function, partial credit by the cell's last value
Otter       `otter run` of a notebook: a case a check
pytest      a fresh `pytest` a module: the same files with fixtures of ten lines
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from benchmarks.meter import Cost, measure
from benchmarks.plain import questions
from benchmarks.population import Work, code_cell, notebook_of

REPOSITORY = Path(__file__).resolve().parent.parent
OTTER = "otter-grader==7.0.0"
HERE = {"PYTHONPATH": str(REPOSITORY)}
ASK = "from benchmarks import plain\nplain.{question}(globals(), {folder!r}, {name!r})"

CONFTEST = """\
import importlib.util, os, pytest
from benchmarks.draws import Standin
from benchmarks.plain import SECRET
from autograder.grading.curves import Picture
from autograder.vocabulary import Draw
specification = importlib.util.spec_from_file_location("student", os.environ["STUDENT"])
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)
def pytest_configure(config):
    for name in ("task", "points", "hint", "requires"):
        config.addinivalue_line("markers", name)
@pytest.fixture
def student():
    return Standin(vars(module))
@pytest.fixture
def draw(request):
    return Draw(SECRET, f"{request.path.parent.name}.{request.node.name}")
@pytest.fixture
def picture():
    return Picture(hidden=True)
@pytest.fixture
def reference(request):
    from benchmarks.draws import module_at
    return module_at(request.path.with_name("solution.py"))
"""


class Rivals:
    """What the rivals need for one assignment, laid in a folder of its own."""

    def __init__(self, assignment: Assignment, folder: Path) -> None:
        self.assignment, self.folder = assignment, folder
        self.all: dict[str, Callable[[Sequence[Work]], Cost]] = {
            "nbgrader": self.nbgrader,
            "otter": self.otter,
            "pytest": self.pytest,
        }
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    @property
    def slug(self) -> str:
        return self.assignment.slug

    # --- nbgrader --------------------------------------------------------------------------------

    def nbgrader(self, works: Sequence[Work]) -> Cost:
        """One `nbgrader autograde` of a class."""
        course = self.folder / "nbgrader"
        shutil.rmtree(course, ignore_errors=True)
        source = course / "source" / self.slug
        source.mkdir(parents=True)
        (source / f"{self.slug}.ipynb").write_text(json.dumps(self._source()), encoding="utf-8")
        (course / "nbgrader_config.py").write_text("c = get_config()\n", encoding="utf-8")
        command = [sys.executable, "-m", "nbgrader"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # for alembic
        there = HERE | {"PATH": path}
        measure([*command, "generate_assignment", self.slug], course, there)
        for work in works:
            home = course / "submitted" / work.student / self.slug
            home.mkdir(parents=True)
            notebook = json.dumps(self._with_checks(work.cells))
            (home / f"{self.slug}.ipynb").write_text(notebook, encoding="utf-8")
        return measure([*command, "autograde", self.slug], course, there)

    def _source(self) -> dict[str, Any]:
        return self._with_checks([])

    def _with_checks(self, sources: list[str]) -> dict[str, Any]:
        """A notebook of these cells, and after them a check cell for each function."""
        notebook = notebook_of(sources)
        for name, points in self.assignment.functions.items():
            body = ASK.format(question="points", folder=str(self.assignment.folder), name=name)
            text = f"### BEGIN HIDDEN TESTS\n{body}\n### END HIDDEN TESTS"
            cell = code_cell(text, f"check-{name.replace('_', '-')}")
            settings = {"grade": True, "solution": False, "locked": True, "task": False}
            settings |= {"grade_id": f"check_{name}", "points": points, "schema_version": 3}
            cell["metadata"] = {"nbgrader": settings}
            notebook["cells"].append(cell)
        return notebook

    def nbgrader_points(self) -> dict[str, float]:
        """What the last class earned, by student."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder / 'nbgrader' / 'gradebook.db'}") as book:
            return {one.student.id: one.score for one in book.assignment_submissions(self.slug)}

    # --- Otter -----------------------------------------------------------------------------------

    def otter(self, works: Sequence[Work]) -> Cost:
        """An `otter run` for each."""
        program = install_otter()
        home = self.folder / "otter"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        self._otter_archive(home / "autograder.zip")
        costs = []
        for work in works:
            notebook = home / f"{work.student}.ipynb"
            notebook.write_text(json.dumps(work.notebook()), encoding="utf-8")
            command = [program, "run", "--no-logo", "-a", "autograder.zip", notebook.name]
            costs.append(measure(command, home, HERE))
        return total(costs)

    def _otter_archive(self, file: Path) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("otter_config.json", json.dumps({"lang": "python"}))
            for name, points in self.assignment.functions.items():
                archive.writestr(f"tests/{name}.py", self._otter_test(name, points))

    def _otter_test(self, function: str, points: float) -> str:
        cases = []
        for question in questions(self.assignment.folder):
            if question.task == function:
                folder = str(self.assignment.folder)
                ask = ASK.format(question="passed", folder=folder, name=question.name)
                lines = "".join(f">>> {line}\n" for line in ask.splitlines())
                case = {"code": f"{lines}True", "hidden": False, "locked": False}
                cases.append(case | {"points": question.points})
        suite = {"cases": cases, "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        test = {"name": function, "points": None, "suites": [suite]}
        return f"OK_FORMAT = True\ntest = {test!r}\n"

    def otter_points(self) -> float:
        """What the last submission earned."""
        results = json.loads((self.folder / "otter" / "results.json").read_text("utf-8"))
        return float(sum(test.get("score", 0.0) for test in results["tests"]))

    # --- pytest ----------------------------------------------------------------------------------

    def pytest(self, works: Sequence[Work]) -> Cost:
        """A fresh pytest for each."""
        home = self.folder / "pytest" / self.slug
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        (home / "conftest.py").write_text(CONFTEST, encoding="utf-8")
        for file in ("test_public.py", "test_hidden.py", "solution.py"):
            shutil.copy(self.assignment.folder / file, home)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:autograder"]
        command += ["-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={home}", "."]
        costs = []
        for work in works:
            module = self.folder / "pytest" / f"{work.student}.py"
            module.write_text(work.module(), encoding="utf-8")
            there = HERE | {"STUDENT": str(module)}
            costs.append(measure(command, home, there, statuses=(0, 1)))
        return total(costs)

    # --- the floor -------------------------------------------------------------------------------

    def floor(self, works: Sequence[Work]) -> dict[str, Any]:
        """What the students' calls cost in one warm process, and what importing torch does."""
        home = self.folder / "floor"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        modules = []
        for work in works:
            modules.append(str(home / f"{work.student}.py"))
            Path(modules[-1]).write_text(work.module(), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.plain", str(self.assignment.folder), *modules]
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | HERE,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


def total(costs: Sequence[Cost]) -> Cost:
    """Commands one after another as one."""
    return Cost(
        cpu=sum(cost.cpu for cost in costs),
        wall=sum(cost.wall for cost in costs),
        memory=max(cost.memory for cost in costs),
        trusted=max(cost.trusted for cost in costs),
        load=costs[-1].load,
        counted=costs[-1].counted,
    )


def install_otter() -> Path:
    """The command `otter`, in an environment of its own in build/ that sees this one's torch."""
    home = REPOSITORY / "build" / "otter"
    program = home / "bin" / "otter"
    if not program.is_file():
        print("installing Otter into build/otter", flush=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        site = f"python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
        ours = Path(sys.prefix) / "lib" / site
        (home / "lib" / site / "zz-this-projects.pth").write_text(f"{ours}\n", encoding="utf-8")
        subprocess.run([home / "bin" / "pip", "install", "-q", OTTER], check=True)
    return program
