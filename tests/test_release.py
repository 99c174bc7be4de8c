"""Staff's side in, students' side and nbgrader's source out; on a small course made for it, and on
every assignment there is.
"""

from __future__ import annotations

import ast
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
import tiny_course
from conftest import ASSIGNMENTS
from nbgrader.apps import NbGraderAPI
from nbgrader.utils import capture_log
from nbgrader.validator import Validator
from test_grading import Command

from autograder.assignment import Assignment, find_assignments
from autograder.authoring.handout import STUB, function_source, source_notebook, stub_of
from autograder.authoring.leaks import guard, staff_lines
from autograder.authoring.release import KIT, build, drift, lay, release, strays
from autograder.authoring.released_ladder import SHARED
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.gradebook import commands
from autograder.gradebook.commands import generate

REAL = [pytest.param(assignment, id=assignment.slug) for assignment in ASSIGNMENTS]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of one small assignment, not released yet."""
    tiny_course.write(tmp_path)
    return tmp_path


@pytest.fixture
def assignment(course: Path) -> Assignment:
    return find_assignments(Course(course))[0]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def cells_of(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def nbgrader_of(cells: list[Any]) -> dict[str, dict[str, Any]]:
    return {
        cell["metadata"]["nbgrader"]["grade_id"]: cell["metadata"]["nbgrader"]
        for cell in cells
        if "nbgrader" in cell["metadata"]
    }


# --- stubs ----------------------------------------------------------------------------------------


def test_a_stub_keeps_signature_and_docstring_and_nothing_of_the_body() -> None:
    stub = stub_of(tiny_course.SOLUTION)
    functions = [node for node in ast.parse(stub).body if isinstance(node, ast.FunctionDef)]
    assert [ast.unparse(function.args) for function in functions] == ["x, factor=0.5", "x"]
    assert all(ast.get_docstring(function) for function in functions)
    assert stub.count("raise NotImplementedError") == 2
    assert "scaled_copy" not in stub
    assert "SOLUTION" not in stub


def test_a_stub_raises_what_says_that_it_is_not_written() -> None:
    namespace: dict[str, Any] = {}
    exec(stub_of(tiny_course.SOLUTION), namespace)
    with pytest.raises(NotImplementedError, match="not written yet"):
        namespace["halve"](1)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            "### BEGIN SOLUTION\n### BEGIN SOLUTION\n",
            "solution.py:2: begins a solution inside a solution",
        ),
        ("x\n### BEGIN SOLUTION\n", "solution.py:2: begins a solution that never ends"),
        ("### END SOLUTION\n", "solution.py:1: ends a solution that was not begun"),
    ],
)
def test_markers_that_do_not_pair_are_named(text: str, what: str) -> None:
    with pytest.raises(AuthoringError, match=what):
        stub_of(text)


def test_a_function_comes_with_its_decorators_and_last_comment() -> None:
    text = "@first\n@second\ndef f():\n    return 1\n    # last\n\n\ndef g():\n    pass\n"
    assert function_source(text, "f") == "@first\n@second\ndef f():\n    return 1\n    # last"
    assert function_source(text, "g") == "def g():\n    pass"
    assert function_source(text, "h") is None


# --- notebooks ------------------------------------------------------------------------------------


def test_the_source_notebook_has_nbgraders_metadata(assignment: Assignment) -> None:
    cells = source_notebook(assignment).cells
    marks = nbgrader_of(cells)
    assert list(marks) == ["halve", "check_halve", "total", "check_total", "why_halve"]
    flags = {
        name: (mark["solution"], mark["grade"], mark["locked"], mark.get("points"))
        for name, mark in marks.items()
    }
    assert flags["halve"] == (True, False, False, None)
    assert flags["check_halve"] == (False, True, True, 3)
    assert flags["check_total"] == (False, True, True, 1.5)
    assert flags["why_halve"] == (True, True, False, 2)
    assert {mark["schema_version"] for mark in marks.values()} == {3}


def test_the_students_notebook_has_stubs_and_no_answers(
    course: Path, assignment: Assignment
) -> None:
    files = build(assignment)
    student = nbformat.reads(files.student["halves.ipynb"].decode(), as_version=4)
    source = nbformat.reads(files.source["halves.ipynb"].decode(), as_version=4)
    assert [cell.id for cell in student.cells] == [cell.id for cell in source.cells]
    assert len({cell.id for cell in student.cells}) == len(student.cells)
    changed = [
        new.source
        for new, old in zip(student.cells, source.cells, strict=True)
        if new.source != old.source
    ]
    stubs = stub_of(tiny_course.SOLUTION)
    assert changed == [
        function_source(stubs, "halve"),
        function_source(stubs, "total"),
        "YOUR ANSWER HERE",
    ]
    assert [cell.metadata.get("tags") for cell in student.cells if cell.metadata.get("tags")] == [
        ["setup"]
    ]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in student.cells)
    assert all(
        cell.metadata.nbgrader.checksum for cell in student.cells if "nbgrader" in cell.metadata
    )


def test_ids_of_cells_change_only_with_their_text(course: Path, assignment: Assignment) -> None:
    before = [cell.id for cell in source_notebook(assignment).cells]
    assert [cell.id for cell in source_notebook(assignment).cells] == before
    edit(assignment.folder / "handout.md", "A tensor can be halved.", "Any tensor can be halved.")
    after = [cell.id for cell in source_notebook(assignment).cells]
    assert [new != old for new, old in zip(after, before, strict=True)] == [True] + [False] * (
        len(before) - 1
    )


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('```python stub="halve"\n```', "", r'handout.md: has no stub="halve"'),
        ('```python check="total"\n```', "", r'handout.md: has no check="total"'),
        (
            'written="why_halve"',
            'written="why_not"',
            r'handout.md:\d+: written="why_not" is not in assignment.toml',
        ),
        (
            'stub="total"',
            'stub="sum_up"',
            r'handout.md:\d+: stub="sum_up" names no function of solution.py',
        ),
        (
            'check="total"',
            'check="halve"',
            r'handout.md:\d+: check="halve" stands here a second time',
        ),
        (
            'stub="halve"\n```',
            'stub="halve"\nx = 1\n```',
            r'handout.md:\d+: stub="halve" holds code',
        ),
    ],
)
def test_a_handout_that_does_not_fit_is_refused(
    assignment: Assignment, old: str, new: str, what: str
) -> None:
    edit(assignment.folder / "handout.md", old, new)
    with pytest.raises(AuthoringError, match=what):
        source_notebook(assignment)


def test_a_solution_outside_its_markers_is_refused(assignment: Assignment) -> None:
    edit(assignment.solution, "    ### BEGIN SOLUTION\n    scaled", "    scaled")
    edit(assignment.solution, "return scaled_copy\n    ### END SOLUTION", "return scaled_copy")
    with pytest.raises(AuthoringError, match="has its whole solution outside the markers"):
        source_notebook(assignment)


# --- folders --------------------------------------------------------------------------------------


def test_a_release_is_whole_and_a_rebuild_changes_nothing(
    course: Path, assignment: Assignment
) -> None:
    release([assignment])
    names = {
        path.relative_to(assignment.released).as_posix()
        for path in assignment.released.rglob("*")
        if path.is_file()
    }
    kit = {path.name for path in KIT.iterdir() if path.is_file()}
    assert {"conftest.py", "pytest.ini"} < kit
    ours = {"README.md", "requirements.txt", "test_public.py", "halves.ipynb", "data/numbers.csv"}
    assert names == kit | ours | SHARED.keys()
    before = {path: path.stat().st_mtime_ns for path in course.rglob("*") if path.is_file()}
    assert release(find_assignments(Course(course))) == []
    assert {path: path.stat().st_mtime_ns for path in course.rglob("*") if path.is_file()} == before


def test_what_an_earlier_release_laid_goes_and_nothing_else(
    course: Path, assignment: Assignment
) -> None:
    old = assignment.folder / "data" / "old" / "numbers.csv"
    old.parent.mkdir()
    old.touch()
    release([assignment])
    shutil.rmtree(old.parent)
    shutil.rmtree(assignment.course.work)  # a clone has none
    stale = [assignment.released / "data" / "old" / "numbers.csv", assignment.released / "kit_x.py"]
    stale[1].touch()
    cache = assignment.released / "__pycache__" / "conftest.pyc"
    packages = assignment.released / ".venv" / "lib" / "torch.py"
    notes = assignment.released / "mine" / "notes.txt"
    empty = assignment.released / ".venv" / "include"
    other = assignment.released.parent / "by_somebody" / "notes.txt"
    for path in (cache, packages, notes, other, empty / "x"):
        path.parent.mkdir(parents=True)
        path.touch()
    (assignment.released / ".venv" / "pyvenv.cfg").touch()
    (empty / "x").unlink()
    assert drift([assignment]) == [
        f"assignments/halves/{name} is not part of the release"
        for name in ("data/old/numbers.csv", "kit_x.py")
    ]
    changed = release([assignment])
    assert {path for path in changed if path.is_relative_to(assignment.released)} == {*stale}
    assert drift([assignment]) == []
    assert not stale[0].parent.exists()
    assert all(path.exists() for path in (cache, packages, notes, other, empty))
    assert strays([assignment]) == [notes]


def test_what_stays_beside_a_release_is_told(course: Path, command: Command) -> None:
    assert command(course, "release", "--no-edits").exit_code == 0
    mine = course / "assignments" / "halves" / "mine.ipynb"
    mine.write_text("my answers", encoding="utf-8")
    ended = command(course, "release", "--no-edits")
    assert ended.stdout == "", "nbgrader has no need to make it again"
    assert ended.stderr == f"{mine} is not part of the release, and stays\n"
    assert mine.read_text(encoding="utf-8") == "my answers"
    looked = command(course, "release", "--check")
    assert (looked.exit_code, looked.stdout) == (0, ""), "no release would change that"
    assert looked.stderr == ended.stderr


def test_drift_names_what_differs(course: Path, assignment: Assignment) -> None:
    release([assignment])
    (assignment.released / "README.md").unlink()
    edit(assignment.released / "test_public.py", "halve", "double")
    expected = [
        "assignments/halves/README.md is missing",
        "assignments/halves/test_public.py differs",
    ]
    assert drift([assignment]) == expected
    assert drift([assignment]) == expected, "looking must not write"


def test_files_are_never_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, {"a.txt": b"before"})
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        lay(tmp_path, {"a.txt": b"after"})
    assert (tmp_path / "a.txt").read_bytes() == b"before"


# --- the leak guard -------------------------------------------------------------------------------

PLANTS = {
    "a line of a solution": "scaled_copy = factor * x.clone()",
    "a short line of a solution": "terms = 1 * x",
    "a reformatted line of a solution": "return torch.stack( [terms[i]\n        for i in range(len(x))] ).sum()",
    "what a line of a solution returns": "mine = torch.stack([terms[i] for i in range(len(x))]).sum()",
    "a hidden check": 'close(student.total(x), x.sum(), 1e-5, "total(x) is not the sum of x")',
    "the name of a hidden check": "def test_halve_of_a_secret_matrix(student, draw):",
    "the sentence of a hidden check": "total adds up a vector that nobody has seen before.",
    "a mistake": "return x * factor * 2 / 3",
    "the title of a mistake": "Divides by three, of all numbers",
    "the hint of a mistake": "How many halves make a whole one?",
    "a variant": "accumulated = accumulated + element",
    "a model answer": "Because the other half belongs to somebody else entirely.",
}
PUBLIC = (
    "a hidden check",
    "the name of a hidden check",
    "the sentence of a hidden check",
    "the hint of a mistake",
    "the title of a mistake",
)
PLACES = {
    "a demonstration": ("handout.md", "helper = halve(values)\n", "helper = halve(values)\n{}\n"),
    "the prose": ("handout.md", "A tensor can be halved.", "A tensor can be halved: `{}`"),
    "a public check": (
        "test_public.py",
        '    """halve gives (1, 2) for (2, 4)."""\n',
        '    """\n    {}\n    """\n',
    ),
    "the data": ("data/numbers.csv", "1,2,3\n", "1,2,3\n{}\n"),
    "the objectives": ("assignment.toml", '"Sum a tensor"', "'''{}'''"),
}


@pytest.mark.parametrize(
    ("plant", "place"),
    [
        (plant, place)
        for plant in PLANTS
        for place in PLACES
        if plant not in PUBLIC or place != "a public check"
    ],
)
def test_a_planted_leak_is_refused_and_nothing_is_written(
    course: Path, assignment: Assignment, plant: str, place: str
) -> None:
    name, old, new = PLACES[place]
    edit(assignment.folder / name, old, new.format(PLANTS[plant]))
    with pytest.raises(
        AuthoringError,
        match=r"(?s)\.(py|md):\d+: its line `.*` would reach students: assignments/halves/",
    ):
        release(find_assignments(Course(course)))
    assert not assignment.released.exists()


SENTENCE = "The other half belongs to somebody else entirely."


@pytest.mark.parametrize("where", ["rubric.md", "answers.md", "handout.md"])
@pytest.mark.parametrize(
    ("written", "released"),
    [
        (f"- {SENTENCE}", SENTENCE),
        (f"2. **{SENTENCE}**", f"* {SENTENCE}"),
        (f"- [ ] {SENTENCE}", f"> {SENTENCE}"),
        (SENTENCE, SENTENCE.replace("somebody", "_somebody_").replace(" else", "\n  else")),
        ("$f(x + h) - f(x) = h f'(x) + o(h)$", "$f(x + h)\n- f(x) = h f'(x)\n+ o(h)$"),
    ],
)
def test_marks_of_markdown_hide_no_leak(
    assignment: Assignment, where: str, written: str, released: str
) -> None:
    handout = assignment.folder / "handout.md"
    edit(handout, "The end.", f"{released}\n\nThe end.")
    if where == "handout.md":
        edit(handout, "Because the other half belongs to somebody else entirely.", written)
        edit(handout, 'written="why_halve"', "written='why_halve'")
    else:
        (assignment.folder / where).write_text(f"## why_halve\n\n{written}\n", encoding="utf-8")
    with pytest.raises(AuthoringError, match=rf"{where}:\d+: its line `.*` would reach students"):
        guard(assignment, build(assignment).student)
    edit(handout, released, "Something else.")
    guard(assignment, build(assignment).student)


@pytest.mark.parametrize(
    "harmless",
    [
        "U, V = torch.rand(4, 2), torch.rand(3, 2)",
        "denominator = torch.tensor(1.0) / 2",
        "import torch.nn.functional as functional",
        "for i in range(len(values)):\n    print(i)",
        "U, S, Vh = torch.linalg.svd(torch.eye(2), full_matrices=False)",
    ],
)
def test_what_says_nothing_is_no_leak(course: Path, assignment: Assignment, harmless: str) -> None:
    edit(
        assignment.folder / "handout.md",
        "helper = halve(values)\n",
        f"helper = halve(values)\n{harmless}\n",
    )
    for folder in ("variants", "mistakes"):
        for path in (assignment.folder / folder).glob("*.py"):
            lines = [
                "U, S, Vh = torch.linalg.svd(torch.eye(2), full_matrices=False)",
                "U, V = torch.rand(4, 2), torch.rand(3, 2)",
            ]
            plain = "\n    ".join(["\n\ndef plain():", *lines])
            path.write_text(f"{path.read_text(encoding='utf-8')}{plain}\n", encoding="utf-8")
    guard(assignment, build(assignment).student)


@pytest.mark.parametrize(
    "answer", ["- **True**, **False**", "**a)** **b)** **c)** **`x`**", "1. [ ] ***`x + y`***   ?"]
)
def test_marks_of_markdown_make_no_secret(assignment: Assignment, answer: str) -> None:
    (assignment.folder / "answers.md").write_text(f"{answer}\n", encoding="utf-8")
    code = "print((True, False), 'a) b) c) x', x + y)  # x + y?"
    edit(assignment.folder / "handout.md", "helper = halve(values)\n", f"x = y = 1\n{code}\n")
    guard(assignment, build(assignment).student)


def test_every_kind_of_staff_file_has_secrets(assignment: Assignment) -> None:
    found = {
        line.path.relative_to(assignment.folder).as_posix() for line in staff_lines(assignment)
    }
    assert found == {
        "solution.py",
        "test_hidden.py",
        "mistakes/all_zeros.py",
        "mistakes/thirds.py",
        "variants/divides.py",
        "handout.md",
    }


# --- nbgrader -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_hidden.py", "solution.py", "variants/divides.py"])
def test_a_file_of_the_staff_that_is_no_python_is_named(
    course: Path, assignment: Assignment, name: str
) -> None:
    file = assignment.folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("def broken(:\n", encoding="utf-8")
    with pytest.raises(AuthoringError, match=rf"{file.name}:1: is not Python"):
        release(find_assignments(Course(course)))
    assert not assignment.released.exists()


def test_nbgrader_makes_the_same_release(released: Path) -> None:
    ours, theirs = released / "assignments" / "halves", released / "course" / "release" / "halves"
    names = sorted(path.relative_to(ours) for path in ours.rglob("*") if path.is_file())
    assert sorted(path.relative_to(theirs) for path in theirs.rglob("*") if path.is_file()) == names
    for name in names:
        assert (theirs / name).read_bytes() == (ours / name).read_bytes(), (
            f"{name} differs from what nbgrader makes"
        )


@pytest.mark.slow
def test_nbgrader_is_not_run_for_what_is_released_already(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "run_nbgrader", lambda *_, **__: pytest.fail("nothing changed"))
    (assignment,) = find_assignments(Course(released))
    assert release([assignment]) == []
    assert generate(assignment) == []


def test_an_interrupt_of_nbgrader_is_none_of_its_errors(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted:
        log = logging.getLogger("nbgrader")

        def start(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(NbGraderAPI, "autograde", lambda *_: capture_log(Interrupted()))
    with pytest.raises(KeyboardInterrupt):
        commands.run_nbgrader(Course(course), "autograde", "halves")


@pytest.mark.slow
def test_nbgrader_validates_the_source(released: Path) -> None:
    """Its kernel runs the notebook with the solutions in it: every check cell passes."""
    source = released / "course" / "source" / "halves" / "halves.ipynb"
    assert Validator().validate(str(source)) == {}


# --- the course's own assignments -----------------------------------------------------------------


@pytest.mark.parametrize("assignment", REAL)
def test_assignments_are_as_the_staff_side_makes_them(assignment: Assignment) -> None:
    assert drift([assignment]) == [], "run `make release`"


@pytest.mark.parametrize("assignment", REAL)
def test_every_stub_of_the_students_notebook_is_unwritten(assignment: Assignment) -> None:
    cells = cells_of(assignment.released / f"{assignment.slug}.ipynb")
    solutions = [
        "".join(cell["source"])
        for cell in cells
        if cell["metadata"].get("nbgrader", {}).get("solution")
    ]
    code = [source for source in solutions if source != "YOUR ANSWER HERE"]
    assert len(code) >= len(assignment.functions)
    assert all(STUB.splitlines()[1] in source for source in code)
    assert len(solutions) - len(code) == len(assignment.written)
