"""Every authoring error names the file and the mend."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_course
from click.testing import Result
from conftest import ASSIGNMENTS

from autograder.assignment import Assignment, read_assignment
from autograder.audit.audit import audit
from autograder.authoring.folder import REQUIRED, stops_release, validate_folder
from autograder.authoring.leaks import guard
from autograder.authoring.release import build
from autograder.errors import AuthoringError
from autograder.grading.checks import declared_checks
from autograder.grading.grader import Grader

TOML, HANDOUT, SOLUTION = "assignment.toml", "handout.md", "solution.py"
PUBLIC, HIDDEN, MISTAKE, VARIANT = (
    "test_public.py",
    "test_hidden.py",
    "mistakes/thirds.py",
    "variants/divides.py",
)
HIDDEN_CHECK = "test_halve_of_a_secret_matrix"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_course.write(tmp_path)


def plant(folder: Path, file: str, old: str, new: str) -> None:
    """Change one file of a staff folder; `old` "": write it anew."""
    path = folder / file
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    assert old in text
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.replace(old, new, 1) if old else new, encoding="utf-8")


PLANTED = {
    "a stray file": ("notes.txt", "", "to do", "notes.txt: does not belong in a staff folder. Remove it, or rename it"),
    "a variant one folder too deep": ("variants/old/x.py", "", "", "x.py: does not belong in a staff folder"),
    "a stub without its block": (HANDOUT, '```python stub="halve"\n```\n', "", 'has no stub="halve"'),
    "a check without its cell": (HANDOUT, '```python check="halve"\n```\n', "", 'has no check="halve"'),
    "an answer that nobody asks for": (HANDOUT, 'written="why_halve"', 'written="why"', "is not in assignment.toml"),
    "a function that the solution lacks": (SOLUTION, "def halve", "def double", "does not define halve"),
    "a function that a variant lacks": (VARIANT, "def halve", "def double", "divides.py: does not define halve"),
    "a solution that is not Python": (SOLUTION, "def halve(x, factor=0.5):", "def halve(x, factor=0.5)", "solution.py:6: is not Python"),
    "a variant that is not Python": (VARIANT, "for element in x:", "for element on x:", "divides.py:13: is not Python"),
    "a mistake that is not Python": (MISTAKE, "return", "retrun", "thirds.py:9: is not Python"),
    "a solution never closed": (SOLUTION, ".sum()\n    ### END SOLUTION\n", ".sum()\n", "begins a solution that never ends"),
    "a mistake that names an unknown check": (MISTAKE, HIDDEN_CHECK, "test_other", "names test_other, and there is no such"),
    "a mistake that names a case of none": (MISTAKE, HIDDEN_CHECK, HIDDEN_CHECK + "[3]", "no check has exactly that name"),
    "a mistake that fails nothing": (MISTAKE, f'fails = ["test_halve_of_a_vector", "{HIDDEN_CHECK}"]', "fails = []", "has an empty fails"),
    "a mistake without a hint": (MISTAKE, 'hint = "How many', 'tip = "How many', "cannot be read ('hint')"),
    "a mistake with an empty hint": (MISTAKE, "How many halves make a whole one?", " ", "thirds.py: has an empty hint. Write its hint."),
    "a mistake without a block": (MISTAKE, "# /// mistake", "# mistake", "has no mistake block"),
    "a check with an empty hint": (HIDDEN, '"Every element counts."', '""', "has an empty hint. Say"),
    "a check of an unknown function": (HIDDEN, 'task("halve")', 'task("double")', "is about double, which assignment.toml"),
    "points that do not add up": (TOML, "halve = 3", "halve = 5", "5 points, and its checks add up to 3. Change"),
    "a public check that needs the grader": (PUBLIC, "import torch\n", "import torch\nfrom autograder import vocabulary\n",
                                             "test_public.py:5: imports the grader. Students do not have the grader"),
    "an equivalent mutant without a reason": (
        "equivalent_mutants.toml", "", '[[mutant]]\nwas = "a"\nbecomes = "b"\nreason = ""\n', "a mutant without a reason"),
}  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "expected"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_error_is_named_with_its_mend(
    folder: Path, file: str, old: str, new: str, expected: str
) -> None:
    if "/old/" in file:
        (folder / "variants/old").mkdir()
    plant(folder, file, old, new)
    found = validate_folder(read_assignment(folder))
    assert expected in "\n".join(map(str, found))
    assert all(str(error.where).startswith(str(folder)) for error in found)
    assert all(error.mend.endswith(".") for error in found)


SETTINGS = {
    "no TOML": ("title =", "title", "is not TOML"),
    "an unknown setting": ("[functions]", "[points]", "has unknown settings points"),
    "no title": ('title = "Halves and sums"', 'title = ""', "has no title"),
    "a number for a list": ("order = 1", "order = 1\nrequirements = 5", "has requirements = 5"),
    "a number for a table": ("order = 1", "order = 1\nlimits = 3", "has limits = 3"),
    "no order": ("order = 1", "", "has no order"),
    "no function": ("halve = 3\ntotal = 1.5", "", "names no function"),
    "no points": ("halve = 3", 'halve = "3"', "gives functions.halve the points '3'"),
    "an unknown limit": (
        "[written]",
        "[limits]\nseconds = 3\n[written]",
        "has unknown limits seconds",
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), SETTINGS.values(), ids=SETTINGS.keys())
def test_settings_that_make_no_sense_are_named(
    folder: Path, old: str, new: str, expected: str
) -> None:
    plant(folder, TOML, old, new)
    with pytest.raises(AuthoringError, match=r"assignment\.toml: ") as caught:
        read_assignment(folder)
    assert expected in str(caught.value)


@pytest.mark.parametrize("name", sorted({*REQUIRED} - {TOML}))
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert [str(folder / name)] == [
        str(error.where) for error in validate_folder(read_assignment(folder))
    ]


def test_a_folder_without_variants_is_told_so(folder: Path) -> None:
    (folder / VARIANT).unlink()
    assert "has no variant" in str(validate_folder(read_assignment(folder))[0])


def test_litter_and_data_are_no_strays(folder: Path) -> None:
    for name in (
        "__pycache__/solution.pyc",
        "variants/__pycache__/divides.pyc",
        "data/deep/numbers.csv",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    assert validate_folder(read_assignment(folder)) == []


def test_the_audit_reports_what_is_wrong_and_grades_nothing(folder: Path) -> None:
    plant(folder, TOML, "halve = 3", "halve = 5")
    report = audit(
        Grader(read_assignment(folder), secret=""), gradings=1, seeds=1, mutate=False, workers=1
    )
    assert report.rows == []
    assert "add up to 3" in report.findings[0]


def test_declared_checks_are_those_of_both_files(folder: Path) -> None:
    checks = declared_checks(read_assignment(folder))
    assert [(check.path.name, check.function, check.points) for check in checks] == [
        (PUBLIC, "halve", 1.6),
        (PUBLIC, "halve", 0.4),
        (PUBLIC, "total", 0.5),
        (PUBLIC, "total", 0.5),
        (HIDDEN, "halve", 1.0),
        (HIDDEN, "total", 0.5),
    ]


def test_the_course_has_assignments_with_names_of_their_own(assignment: Assignment) -> None:
    orders = [other.order for other in ASSIGNMENTS]
    assert orders.count(assignment.order) == 1, f"two assignments have the order {assignment.order}"


DIAGNOSIS = '[diagnosis]\nstart = { factor = 0.0 }\ndraw = "torch.rand"\ninterval = [0.0, 1.0]\n'
RUNG = "halve = [{ x = [[1.0, 2.0]] }]\n"
WRITTEN = "[written]\nwhy_halve = 2"


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (TOML, "halve = 3", "halve = 5", "its checks add up to 3"),
        (TOML, WRITTEN, '[written]\n"why halve" = 2', "names a written answer 'why halve'"),
        (TOML, WRITTEN, "[written]\ncheck_total = 2", "names a written answer 'check_total'"),
        (TOML, WRITTEN, f"{WRITTEN}\n{DIAGNOSIS}base = []", "unknown settings base in [diagnosis]"),
        (TOML, WRITTEN, f'{WRITTEN}\n{DIAGNOSIS}bases = "divides"', "has bases = 'divides' in"),
        (TOML, WRITTEN, f"{WRITTEN}\n{DIAGNOSIS}".replace("torch.rand", "rand"), "draw = 'rand'"),
        (TOML, WRITTEN, f"{WRITTEN}\n{DIAGNOSIS}".replace("torch.r", "torch.b"), "'torch.band'"),
        (
            HANDOUT,
            'tags=["setup"]',
            'tags="setup"',
            "handout.md: makes no notebook (metadata.tags: 'setup' is not",
        ),
        (HANDOUT, 'stub="halve"', 'stub=["halve"]', 'handout.md:17: has stub=["halve"]. Give one'),
        (HANDOUT, 'stub="halve"', "stub=5", "handout.md:17: has stub=5. Give one name in quotes"),
        (HANDOUT, "plt.show()", "### BEGIN SOLUTION", "handout.md: makes no notebook ("),
        ("ladder.toml", "", RUNG.replace("x =", "x = 1, y ="), "it has no parameter y"),
        ("rubric.md", "", "## why-halve\n\n- 1 for it\n", "rubric.md: has sections why-halve"),
        ("rubric.md", "", "##  why halve \n\n- 1 for it\n", "rubric.md: has sections why halve"),
        ("rubric.md", "", "## Why halved?\n\n- 1 for it\n", "rubric.md: has sections Why halved?"),
        (HIDDEN, "", "", "test_hidden.py: is missing"),
        (HIDDEN, "import", "improt", "test_hidden.py:3: is not Python"),
        (HIDDEN, "import close", "import close, nothing", "cannot be collected ("),
    ],
)
def test_nothing_is_laid_of_what_nobody_could_be_graded_by(
    folder: Path, file: str, old: str, new: str, expected: str, command: Callable[..., Result]
) -> None:
    plant(folder, "ladder.toml", "", RUNG)
    if old or new:
        plant(folder, file, old, new)
    else:
        (folder / file).unlink()
    root = folder.parent.parent
    ended = command(root, "release", "--no-edits")
    assert (ended.exit_code, expected in ended.stderr) == (1, True), ended.stderr
    assert not (root / "assignments").exists()
    assert not (root / "course" / "source").exists()


@pytest.mark.parametrize("file", [HANDOUT, "rubric.md", "answers.md", "ladder.toml", TOML])
def test_a_file_in_another_encoding_is_named(
    folder: Path, file: str, command: Callable[..., Result]
) -> None:
    with (folder / file).open("ab") as opened:
        opened.write("\n# Gr\xfc\xdfe\n".encode("latin-1"))
    ended = command(folder.parent.parent, "release", "--no-edits")
    assert ended.exit_code == 1
    assert re.search(rf"{file}: is not (UTF-8\.|TOML \()", ended.stderr), ended.stderr


def test_what_is_only_called_a_notebook_is_read_as_text(folder: Path) -> None:
    plant(folder, "data/x.ipynb", "", "no JSON")
    read = read_assignment(folder)
    guard(read, build(read).student)
    plant(
        folder,
        "data/x.ipynb",
        "no JSON",
        "Because the other half belongs to somebody else entirely.",
    )
    with pytest.raises(AuthoringError, match=r"would reach students: .*/data/x\.ipynb"):
        guard(read, build(read).student)


REMARKS = """\
- 1 for it

## Remarks for everybody

```python
## why_halve
## another half
```

~~~
```
## total
~~~"""


def test_a_heading_in_a_rubric_that_names_no_answer_is_text(folder: Path) -> None:
    plant(folder, "rubric.md", "", f"## Before all\n\n## why_halve\n\n{REMARKS}\n")
    assert read_assignment(folder).rubric == {"why_halve": REMARKS}
    assert list(stops_release(read_assignment(folder))) == []


def test_a_question_may_have_a_hyphen_in_its_name(folder: Path) -> None:
    for file in (TOML, HANDOUT):
        plant(folder, file, "why_halve", "why-halve")
    plant(folder, "rubric.md", "", "# Marks\n\n## why-halve\n\n- 1 for it\n")
    assert read_assignment(folder).rubric == {"why-halve": "- 1 for it"}
    assert validate_folder(read_assignment(folder)) == []
