"""What students run on their own machines: `pytest` in the released folder, `check(...)` in the
notebook, `autograder check`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
import tiny_course
import torch
from conftest import COURSE
from nbclient import NotebookClient

from autograder.assignment import Assignment, find_assignments, read_assignment
from autograder.authoring.handout import function_source
from autograder.authoring.public_check import check as public_check
from autograder.authoring.public_check import find_checks
from autograder.authoring.release import KIT, build, release
from autograder.authoring.student_kit import conftest as kit
from autograder.authoring.student_kit import kit_notebook, kit_report, kit_values
from autograder.course import Course
from autograder.errors import UsageError

pytest_plugins = ["pytester"]
REAL = [pytest.param(assignment, id=assignment.slug) for assignment in find_assignments(COURSE)]

WRONG = """\
import torch


def halve(x, factor=0.5):
    print("a student looks at things")
    x *= factor
    return x


def total(x):
    return x.sum() + undefined_name
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = tmp_path_factory.mktemp("course")
    tiny_course.write(course)
    release(find_assignments(Course(course)))
    return course


@pytest.fixture
def folder(course: Path, tmp_path: Path) -> Path:
    """A released folder, alone, as a student has it."""
    return Path(
        shutil.copytree(course / "assignments" / tiny_course.SLUG, tmp_path / tiny_course.SLUG)
    )


@dataclass(frozen=True)
class Outcome:
    """How a run of pytest ended: its exit status, and what it printed."""

    status: int
    printed: str


def as_a_student(folder: Path, *arguments: str, alone: bool = True) -> Outcome:
    """`pytest` as a student says it, in a Python of its own. alone: where the kit's package is not
    installed
    """
    command = [
        sys.executable,
        "-m",
        "pytest",
        *(["-p", "no:autograder"] if alone else []),
        *arguments,
    ]
    settings = {**without_pytest(), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env=settings,
        timeout=300,
        check=False,
    )
    return Outcome(done.returncode, done.stdout + done.stderr)


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """The same inside this Python, which has torch loaded."""

    def run(folder: Path, *arguments: str) -> Outcome:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        done = pytester.runpytest_inprocess(*arguments)
        return Outcome(int(done.ret), f"{done.stdout.str()}{done.stderr.str()}")

    return run


def without_pytest() -> dict[str, str]:
    """This process's environment without what pytest added to it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def fill(notebook: Path, answers: dict[str, str]) -> None:
    """Write answers into the cells of a released notebook, by the functions' names."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell["source"] = answers[name]
    notebook.write_text(json.dumps(content), encoding="utf-8")


def add_cell(notebook: Path, source: str, position: int | None = None) -> None:
    content = nbformat.read(notebook, as_version=4)
    content.cells.insert(
        len(content.cells) if position is None else position, nbformat.v4.new_code_cell(source)
    )
    nbformat.write(content, notebook)


def solutions(assignment: Assignment | None = None) -> dict[str, str]:
    text = assignment.solution.read_text(encoding="utf-8") if assignment else tiny_course.SOLUTION
    names = assignment.functions if assignment else ("halve", "total")
    return {name: function_source(text, name) or "" for name in names}


def notebook_of(*sources: str) -> Any:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def execute(notebook: Any, folder: Path) -> list[str]:
    """Run a notebook in a kernel; gives what each of its code cells printed, or showed as text."""
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=300, resources=resources, allow_errors=True)
    client.execute(env=without_pytest())
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return ["".join(map(text_of, cell.outputs)) for cell in cells]


def text_of(output: Any) -> str:
    return output.get("text", "") or output.get("data", {}).get("text/plain", "")


def raised_in(cell: Any) -> list[Any]:
    """The exceptions that a cell ended with."""
    return [output for output in cell.outputs if output.output_type == "error"]


def as_released(assignment: Assignment, folder: Path) -> Path:
    """The folder that students receive of an assignment, as it would be released now."""
    for name, data in build(assignment).student.items():
        path = folder / assignment.slug / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder / assignment.slug


# --- `pytest` in the released folder --------------------------------------------------------------


@pytest.mark.parametrize("alone", [True, False], ids=["without the package", "with the package"])
def test_an_untouched_folder_says_what_is_not_written(folder: Path, alone: bool) -> None:
    done = as_a_student(folder, alone=alone)
    assert done.status == 1
    assert done.printed.count("halve is not written yet") == 2
    assert done.printed.startswith(
        "✗ halve gives (1, 2) for (2, 4).\n    halve is not written yet\n"
    )
    assert "4 not passed" in done.printed
    assert "Traceback" not in done.printed
    assert "Error" not in done.printed
    assert len(done.printed.splitlines()) <= 12


def test_another_file_can_be_named_where_the_package_is_installed(folder: Path) -> None:
    (folder / "attempt.py").write_text(WRONG, encoding="utf-8")
    done = as_a_student(folder, "--submission=attempt.py", alone=False)
    assert done.status == 1
    lines = done.printed.splitlines()
    assert lines[:7] == [
        "✓ halve gives (1, 2) for (2, 4).",
        "✗ halve does not change x.",
        "    halve changed its argument",
        "    Hint: Work on a copy.",
        "✗ total counts the ones in a vector of ones.",
        "    total raised NameError: name 'undefined_name' is not defined (line 11: return x.sum() +",
        "    undefined_name)",
    ]
    assert "a student looks at things" not in done.printed


def test_a_written_notebook_passes(folder: Path, run: Callable[..., Outcome]) -> None:
    fill(folder / "halves.ipynb", solutions())
    done = run(folder)
    assert done.status == 0, done.printed
    assert done.printed.count("✓") == 4


def test_a_module_is_enough(folder: Path, run: Callable[..., Outcome]) -> None:
    (folder / "halves.ipynb").unlink()
    (folder / "halves.py").write_text(tiny_course.SOLUTION, encoding="utf-8")
    assert run(folder).status == 0


@pytest.mark.parametrize("name", ["HALVES.IPYNB", "halves.Ipynb", "mine.PY"])
def test_an_ending_in_capitals_is_one(folder: Path, name: str) -> None:
    fill(folder / "halves.ipynb", solutions())
    if name == "mine.PY":
        (folder / "halves.ipynb").unlink()
        (folder / name).write_text(tiny_course.SOLUTION, encoding="utf-8")
    else:
        (folder / "halves.ipynb").rename(folder / name)
    assert kit_notebook.find_submission(folder).name == name
    assert callable(kit_notebook.load(folder / name, ["halve"])["halve"])


def test_a_broken_cell_is_named_and_the_others_are_checked(
    folder: Path, run: Callable[..., Outcome]
) -> None:
    fill(folder / "halves.ipynb", solutions() | {"halve": "def halve(x:\n    return x"})
    done = run(folder)
    assert done.printed.count("✓") == 2
    assert "halve is not defined: cell 4, line 1: SyntaxError" in done.printed


def test_a_warning_is_told_once(tmp_path: Path, run: Callable[..., Outcome]) -> None:
    folder = as_released(read_assignment(COURSE.staff / "tensors_and_autograd"), tmp_path)
    warns = "import warnings\ndef dot(a, b):\n    warnings.warn('odd')\n    return a * b\n"
    (folder / "mine.py").write_text(warns, encoding="utf-8")
    printed = run(folder, "-W", "default", "-k", "dot", "--submission=mine.py").printed
    assert "The smallest example that fails:" in printed
    assert printed.count("warnings summary") == 1


def test_numbers_that_torch_follows_arrive_without_a_word() -> None:
    """A long history, of which each loss still requires its gradient."""
    torch.set_warn_always(True)
    try:
        losses = [torch.ones((), requires_grad=True) * 2.0] * (kit_values.SHORT + 1)
        assert kit_values.plain(losses) == [2.0] * len(losses)
    finally:
        torch.set_warn_always(False)


def test_several_files_are_asked_about(folder: Path, run: Callable[..., Outcome]) -> None:
    (folder / "halves.ipynb").rename(folder / "one.ipynb")
    shutil.copy(folder / "one.ipynb", folder / "two.ipynb")
    done = run(folder)
    assert done.status == 2
    assert "Here is one.ipynb, two.ipynb. Say it: pytest --submission=FILE" in done.printed


def test_a_terminal_without_unicode_gets_words() -> None:
    told = kit_report.Told("test_f", "f is so.", "failed", "failed", "it is not", "Look there.")
    assert kit_report.as_text(told, "cp1252")[0] == "FAIL f is so."
    assert kit_report.as_text(told._replace(outcome="passed"), "ascii")[0] == "ok   f is so."
    assert kit_report.as_text(told, "UTF-8") == [
        "✗ f is so.",
        "    it is not",
        "    Hint: Look there.",
    ]


def test_files_of_the_kit_are_no_submission(folder: Path) -> None:
    (folder / "halves.ipynb").unlink()
    (folder / "mine.py").write_text(WRONG, encoding="utf-8")
    assert kit_notebook.find_submission(folder).name == "mine.py"
    assert all(kit_notebook.of_the_kit(path) for path in KIT.glob("*.py"))


# --- which cells are run --------------------------------------------------------------------------


def test_no_demonstration_is_run(folder: Path) -> None:
    fill(
        folder / "halves.ipynb",
        solutions() | {"halve": "def halve(x, factor=0.5):\n    raise SystemExit"},
    )
    add_cell(
        folder / "halves.ipynb",
        "trained = halve(values)\nfor _ in range(10):\n    halve(values)\n1 / 0\nSCALE = 3",
    )
    namespace = kit_notebook.load(folder / "halves.ipynb")
    assert "helper" not in namespace
    assert "trained" not in namespace
    assert namespace["SCALE"] == 3
    assert namespace["__errors__"] == [], "the line that begins with % is passed over"


def test_a_students_own_cells_define_what_their_functions_use(
    folder: Path, run: Callable[..., Outcome]
) -> None:
    fill(
        folder / "halves.ipynb",
        solutions() | {"halve": "def halve(x, factor=0.5):\n    return scaled(x, HALF)"},
    )
    add_cell(
        folder / "halves.ipynb",
        "!pip install something\nimport math\nHALF = 1 / 2\n\ndef scaled(x, c):\n    return c * x",
        1,
    )
    assert run(folder).status == 0


def test_what_demonstrations_define_is_there_where_it_is_named(folder: Path) -> None:
    file = folder / "halves.ipynb"
    text = "def offset(x):\n    return x + SCALE\nSCALE = 3\ntrained = halve(values)\nunused = 5"
    cell = nbformat.v4.new_code_cell(text)
    cell.id = f"x-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    content = nbformat.read(file, 4)
    content.cells.insert(1, cell)
    nbformat.write(content, file)
    fill(file, solutions())
    assert "offset" not in kit_notebook.load(file)
    fill(file, solutions() | {"halve": "def halve(x, factor=0.5):\n    return offset(x)"})
    namespace = kit_notebook.load(file)
    assert namespace["halve"](1) == 4
    assert not {"trained", "unused"} & namespace.keys()


def test_a_changed_demonstration_is_the_students_own(folder: Path) -> None:
    content = json.loads((folder / "halves.ipynb").read_text(encoding="utf-8"))
    demonstration = next(
        cell for cell in content["cells"] if "".join(cell["source"]).startswith("helper =")
    )
    demonstration["source"] = ["offset = 7\n", *demonstration["source"]]
    (folder / "halves.ipynb").write_text(json.dumps(content), encoding="utf-8")
    assert kit_notebook.load(folder / "halves.ipynb")["offset"] == 7


def test_half_a_character_costs_no_cell(folder: Path) -> None:
    content = json.loads((folder / "halves.ipynb").read_text(encoding="utf-8"))
    half = {**content["cells"][-1], "cell_type": "code", "source": "offset = 7  # \ud83d"}
    content["cells"].append(half)
    (folder / "halves.ipynb").write_text(json.dumps(content), encoding="utf-8")
    assert kit_notebook.load(folder / "halves.ipynb", ["offset"])["offset"] == 7


def test_a_text_of_several_lines_is_none_of_ipythons(folder: Path) -> None:
    text = '"""\n%d items\n!bang\nwhat?\n"""'
    add_cell(
        folder / "halves.ipynb",
        f"ABOVE = {text}\n!ls\n%time SCALE = 3\nfiles = !ls it's\nif SCALE:\n    %pwd\nBELOW = {text}",
    )
    namespace = kit_notebook.load(folder / "halves.ipynb", ["ABOVE", "BELOW", "SCALE", "files"])
    assert namespace["__errors__"] == []
    assert namespace["ABOVE"] == namespace["BELOW"] == "\n%d items\n!bang\nwhat?\n"
    assert (namespace["SCALE"], namespace["files"]) == (3, [])


def test_check_in_a_students_cell_is_not_run_again(folder: Path) -> None:
    text = 'def halve(x):\n    check = x / 2\n    return check\n\ncheck("halve")'
    fill(folder / "halves.ipynb", {"halve": text})
    namespace = kit_notebook.load(folder / "halves.ipynb")
    assert namespace["__errors__"] == []
    assert namespace["check"]("halve") is None
    assert namespace["halve"](2) == 1


# --- the student's functions as a check sees them -------------------------------------------------


def student_of(source: str) -> kit.Student:
    namespace: dict[str, Any] = {}
    exec("import torch\n" + source, namespace)
    return kit.Student(namespace)


def test_every_call_begins_alike_and_leaves_no_trace() -> None:
    student = student_of(
        "def f():\n    torch.set_default_dtype(torch.float64)\n    return torch.rand(2)"
    )
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert torch.equal(student.f(), student.f())
    assert torch.equal(student.seeded(0).f(), student.f())
    assert not torch.equal(student.seeded(1).f(), student.f())
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_default_dtype() == torch.float32


def test_arguments_are_copies() -> None:
    student = student_of("def f(x, *, y):\n    x += 1\n    y += 1")
    x, y = torch.zeros(2), torch.zeros(2)
    call = student.call("f", x, y=y)
    assert call.value is None
    assert call.arguments[0].tolist() == [1.0, 1.0]
    assert x.tolist() == y.tolist() == [0.0, 0.0]


def test_a_call_leaves_the_notebook_as_it_was() -> None:
    source = """
import collections, numpy
SEEN, TABLE, BOTH = [1], {"a": [1]}, [torch.zeros(2)]
W = torch.ones(2, requires_grad=True)
OPTIMIZER = torch.optim.SGD([W], lr=0.1)
ARRAY, VIEW = numpy.zeros(2), W.detach()
class Model: pass
MODEL = Model()
MODEL.losses = []
def f(x, kept=[], *, more={}):
    global COUNT, NEW
    COUNT, NEW = 1, 2
    SEEN.append(2); TABLE["a"].append(2); TABLE["b"] = 3; BOTH[0] += 1; BOTH.append(0); ARRAY[0] = 1
    OPTIMIZER.zero_grad(); (W * x).sum().backward(); OPTIMIZER.step()
    MODEL.losses.append(1); f.calls = 1; kept.append(1); more[len(more)] = 1
    return W, len(kept), len(more), len(MODEL.losses)
COUNT = 0
"""
    namespace: dict[str, Any] = {"__name__": "submission"}
    exec("import torch\n" + source, namespace)
    before = dict(namespace)
    student = kit.Student(namespace)
    for times in (1, 1, 2):
        W, *counts = (student.twice() if times == 2 else student).f(torch.ones(2))
        moved = 0.1 if times == 1 else 0.05 + 0.1  # the first of two calls is given halves
        assert W.tolist() == pytest.approx([1 - moved] * 2)
        assert counts == [times] * 3
    assert all(namespace[name] is value for name, value in before.items())
    assert namespace.keys() == before.keys()
    assert (before["SEEN"], before["TABLE"], before["ARRAY"].tolist()) == (
        [1],
        {"a": [1]},
        [0.0, 0.0],
    )
    assert [item.tolist() for item in before["BOTH"]] == [[0.0, 0.0]]
    assert before["W"].tolist() == before["VIEW"].tolist() == [1.0, 1.0]
    assert before["W"].grad is None
    assert before["f"].__defaults__ == ([],)
    assert (before["f"].__kwdefaults__, vars(before["f"]), before["MODEL"].losses) == (
        {"more": {}},
        {},
        [],
    )


def test_a_call_leaves_a_computation_of_the_notebook_intact() -> None:
    namespace: dict[str, Any] = {}
    exec(
        "import torch\nW = torch.ones(2, requires_grad=True)\nY = (W * W)\ndef f(x): return (Y * W).sum()",
        namespace,
    )
    assert float(kit.Student(namespace).f(torch.ones(2))) == 2
    (namespace["Y"] * namespace["Y"]).sum().backward()
    assert namespace["W"].grad.tolist() == [4.0, 4.0]


def test_results_come_without_their_gradients() -> None:
    student = student_of("def f(x):\n    x.requires_grad_()\n    return (2 * x, [x + 1])")
    first, (second,) = student.f(torch.ones(2))
    assert not first.requires_grad
    assert not second.requires_grad


def test_a_function_can_be_differentiated() -> None:
    student = student_of(
        "def f(a, n, b):\n    return n * (a * a).sum()\n\ndef g(a):\n    return a.detach()"
    )
    value, gradients = student.differentiate("f", torch.tensor([1.0, 2.0]), 3, torch.ones(2))
    assert float(value) == 15
    assert gradients[0].tolist() == [6.0, 12.0]
    assert gradients[1] is None
    assert student.differentiate("g", torch.ones(2))[1] == (None,)


def test_defaults_are_told() -> None:
    student = student_of("def f(a, n=3, lr=0.5, name='x', *, on=True): pass")
    assert student.defaults("f") == {"a": None, "n": 3, "lr": 0.5, "name": None, "on": True}


ANY = ("Exception", "BaseException", "object")


@pytest.mark.parametrize(
    ("source", "outcome", "error_types", "message"),
    [
        (
            "def f(x): raise NotImplementedError",
            "raised",
            ("NotImplementedError", "RuntimeError", *ANY),
            "f is not written yet",
        ),
        (
            'def g(x):\n    """Later."""\n    raise NotImplementedError("not yet")\n'
            "def f(x): return g(x)",
            "raised",
            ("NotImplementedError", "RuntimeError", *ANY),
            "f calls g, which is not written yet",
        ),
        (
            "def f(x):\n    if abs(x): raise NotImplementedError(x)",
            "raised",
            ("NotImplementedError", "RuntimeError", *ANY),
            "f raised NotImplementedError: 1 (line 3)",
        ),
        (
            "def f(x): raise ValueError('not\\nsquare')",
            "raised",
            ("ValueError", *ANY),
            "f raised ValueError: not square (line 2)",
        ),
        (
            "class Odd(ValueError): pass\ndef f(x): raise Odd",
            "raised",
            ("Odd", "ValueError", *ANY),
            "f raised Odd (line 3)",
        ),
        (
            "def f(x): raise SystemExit(3)",
            "raised",
            ("SystemExit", *ANY[1:]),
            "f raised SystemExit: 3 (line 2)",
        ),
        (
            "def f(): pass",
            "raised",
            ("TypeError", *ANY),
            "f raised TypeError: f() takes 0 positional arguments but 1 was given",
        ),
        ("f = 3", "missing", (), "f is not defined"),
    ],
)
def test_a_call_that_does_not_return_says_why(
    source: str, outcome: str, error_types: tuple[str, ...], message: str
) -> None:
    with pytest.raises(kit.Verdict) as caught:
        student_of(source).f(1)
    assert (caught.value.outcome, caught.value.error_types, str(caught.value)) == (
        outcome,
        error_types,
        message,
    )


# --- the notebook ---------------------------------------------------------------------------------


def test_check_follows_the_notebook_and_leaves_nothing_behind(folder: Path) -> None:
    before = {path for path in folder.rglob("*") if "__pycache__" not in path.parts}
    cells = [
        "import torch\nfrom conftest import check\ntorch.manual_seed(5)\nfirst = torch.rand(1)",
        "def halve(x, factor=0.5):\n    raise NotImplementedError",
        'check("halve")',
        "def halve(x, factor=0.5):\n    print('noise')\n    return x / 0.0",
        'check("halve")',
        solutions()["halve"],
        'torch.manual_seed(5)\ncheck("halve")\nassert torch.equal(torch.rand(1), first)',
        "def total(x):\n    return x.summ()",
        'check("total")',
        'check("totals")',
    ]
    notebook = notebook_of(*cells)
    printed = execute(notebook, folder)
    assert printed[2].count("    halve is not written yet") == 2
    assert printed[2].endswith("halve is not written yet: 0 of 2 public checks passed")
    assert (
        "    halve([2, 4]) returned [inf, inf]; expected [1, 2]\n    Hint: A half is one divided by two."
        in printed[4]
    )
    assert "noise" not in printed[4]
    expected = [
        "✓ halve gives (1, 2) for (2, 4).",
        "✓ halve does not change x.",
        "halve: 2 of 2 public checks passed",
    ]
    assert printed[6].splitlines() == expected
    assert "total raised AttributeError: 'Tensor' object has no attribute 'summ'" in printed[8]
    assert "(line 2: return x.summ())" in " ".join(printed[8].split())
    assert printed[9] == "There is no check of 'totals' here. There are checks of halve, total."
    assert [len(raised_in(cell)) for cell in notebook.cells] == [0, 0, 1, 0, 1, 0, 0, 0, 1, 1]
    assert {path for path in folder.rglob("*") if "__pycache__" not in path.parts} == before
    assert not list(folder.rglob("test_public*.pyc"))


def test_check_can_be_interrupted(folder: Path) -> None:
    interrupted = (
        "from conftest import check\ndef halve(x, factor=0.5):\n    raise KeyboardInterrupt"
    )
    notebook = notebook_of(interrupted, 'check("halve")', "print('alive')")
    printed = execute(notebook, folder)
    assert printed[1].endswith("Stopped before the end.")
    assert [error.evalue for error in raised_in(notebook.cells[1])] == ["Stopped before the end."]
    assert printed[2] == "alive\n"


# --- `autograder check` ---------------------------------------------------------------------------


def test_the_command_says_whether_all_passed(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(course)
    good, bad = tmp_path / "halves.py", tmp_path / "mine.py"
    good.write_text(tiny_course.SOLUTION, encoding="utf-8")
    bad.write_text(WRONG, encoding="utf-8")
    assert public_check(good) == 0
    assert public_check(bad, "halves") == 1


def test_the_command_finds_the_checks(
    course: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTOGRADER_COURSE", raising=False)
    monkeypatch.chdir(folder.parent)
    beside = folder / "test_public.py"
    assert (
        find_checks(folder, None)
        == find_checks(folder / "halves.ipynb", None)
        == find_checks(folder, "halves")
        == beside
    )
    for path, name in ((folder / "halves.ipynb", "thirds"), (folder.parent / "mine.py", None)):
        with pytest.raises(UsageError, match="Name the assignment with --assignment"):
            find_checks(path, name)
    monkeypatch.chdir(course)
    released = course / "assignments" / "halves" / "test_public.py"
    assert find_checks(folder.parent / "mine.py", "halves") == released
    assert find_checks(folder.parent / "student" / "halves" / "mine.py", None) == released
    with pytest.raises(UsageError, match="there is no"):
        public_check(folder / "absent.py")


# --- the course's own assignments -----------------------------------------------------------------


@pytest.mark.parametrize("assignment", REAL)
def test_the_public_checks_tell_a_stub_from_a_solution(
    assignment: Assignment, tmp_path: Path, run: Callable[..., Outcome]
) -> None:
    folder = as_released(assignment, tmp_path)
    stub = run(folder)
    assert stub.status == 1
    assert "✓" not in stub.printed
    assert stub.printed.count("is not written yet") == stub.printed.count("✗"), stub.printed
    fill(folder / f"{assignment.slug}.ipynb", solutions(assignment))
    solved = run(folder)
    assert solved.status == 0, solved.printed
    assert "✗" not in solved.printed


def test_what_a_module_imports_from_the_future_is_its_own_and_none_of_the_kits(
    tmp_path: Path,
) -> None:
    """The grader knows no annotations of the kit's: a name that is missing there is missing here"""
    source = "def f(x: Missing):\n    return x\n"
    (tmp_path / "mine.py").write_text(source, encoding="utf-8")
    namespace = kit_notebook.load(tmp_path / "mine.py", ["f"])
    assert "f" not in namespace
    assert "NameError: name 'Missing'" in namespace["__errors__"][0][1]
    (tmp_path / "mine.py").write_text(f"from __future__ import annotations\n{source}")
    assert kit_notebook.load(tmp_path / "mine.py", ["f"])["f"](1) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
def test_a_module_is_read_in_the_encoding_that_it_declares(tmp_path: Path, encoding: str) -> None:
    source = f"# -*- coding: {encoding} -*-\ndef f(): return 'é'\n"
    (tmp_path / "mine.py").write_bytes(source.encode(encoding))
    assert kit_notebook.load(tmp_path / "mine.py")["f"]() == "é"


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("mine.py", b"\xe9 = 1", "cannot be read as Python"),
        ("mine.py", b"# coding: nowhere\n", "cannot be read as Python: .*nowhere"),
        ("mine.ipynb", b"{", "cannot be read as a notebook"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, data: bytes, what: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(kit_notebook.NoSubmission, match=f"{name} {what}"):
        kit_notebook.load(tmp_path / name)


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(kit_notebook.NoSubmission, match=r"cannot be read \(Is a dir"):
        kit_notebook.load(tmp_path)
