"""Every authoring error names the file and the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.assignment import Assignment, find_assignments, read_assignment
from autograder.audit.audit import audit
from autograder.authoring.folder import REQUIRED, validate_folder
from autograder.authoring.new import new_assignment
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.grading.checks import declared_checks
from autograder.grading.grader import Grader

NAME = "planted"
TOML, HANDOUT, SOLUTION = "assignment.toml", "handout.md", "solution.py"
PUBLIC, HIDDEN, MISTAKE, VARIANT = (
    "test_public.py",
    "test_hidden.py",
    "mistakes/divides_by_columns.py",
    "variants/loops.py",
)
HIDDEN_CHECK = "test_means_of_a_matrix_that_is_not_square"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reference_solutions").mkdir()
    new_assignment(Course(tmp_path), NAME)
    return tmp_path / "reference_solutions" / NAME


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
    "a stub without its block": (HANDOUT, '```python stub="column_means"\n```\n', "", 'has no stub="column_means"'),
    "a check without its cell": (HANDOUT, '```python check="column_means"\n```\n', "", 'has no check="column_means"'),
    "an answer that nobody asks for": (HANDOUT, 'written="why_centre"', 'written="why"', "is not in assignment.toml"),
    "a function that the solution lacks": (SOLUTION, "def column_means", "def row_means", "does not define column_means"),
    "a function that a variant lacks": (VARIANT, "def column_means", "def row_means", "loops.py: does not define column_means"),
    "a solution that is not Python": (SOLUTION, "def column_means(A):", "def column_means(A)", "solution.py:6: is not Python"),
    "a variant that is not Python": (VARIANT, "for row in A:", "for row on A:", "loops.py:8: is not Python"),
    "a mistake that is not Python": (MISTAKE, "return", "retrun", "divides_by_columns.py:9: is not Python"),
    "a solution never closed": (SOLUTION, "    ### END SOLUTION\n", "", "begins a solution that never ends"),
    "a mistake that names an unknown check": (MISTAKE, HIDDEN_CHECK, "test_other", "names test_other, and there is no such"),
    "a mistake that names a case of none": (MISTAKE, HIDDEN_CHECK, HIDDEN_CHECK + "[3]", "no check has exactly that name"),
    "a mistake that fails nothing": (MISTAKE, f'fails = ["{HIDDEN_CHECK}"]', "fails = []", "has an empty fails"),
    "a mistake without a hint": (MISTAKE, 'hint = "A mean', 'tip = "A mean', "cannot be read ('hint')"),
    "a mistake with an empty hint": (MISTAKE, "A mean divides by how many numbers were added. How many are there in one column?",
                                     " ", "divides_by_columns.py: has an empty hint. Write its hint."),
    "a mistake without a block": (MISTAKE, "# /// mistake", "# mistake", "has no mistake block"),
    "a check with an empty hint": (HIDDEN, '"How many numbers are added up in each column?"', '""',
                                   "has an empty hint. Say"),
    "a check of an unknown function": (HIDDEN, 'task("column_means")', 'task("means")', "is about means, which assignment.toml"),
    "points that do not add up": (TOML, "column_means = 4", "column_means = 5", "5 points, and its checks add up to 4. Change"),
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
    told = "\n".join(map(str, found))
    assert expected in told
    assert all(str(error.where).startswith(str(folder)) for error in found)
    assert all(error.mend.endswith(".") for error in found)


SETTINGS = {
    "no TOML": ("title =", "title", "is not TOML"),
    "an unknown setting": ("[functions]", "[points]", "has unknown settings points"),
    "no title": ('title = "Planted"', 'title = ""', "has no title"),
    "no order": ("order = 1", "", "has no order"),
    "no function": ("column_means = 4", "", "names no function"),
    "no points": (
        "column_means = 4",
        'column_means = "4"',
        "gives functions.column_means the points '4'",
    ),
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
        "variants/__pycache__/loops.pyc",
        "data/deep/numbers.csv",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    assert validate_folder(read_assignment(folder)) == []


def test_the_audit_reports_what_is_wrong_and_grades_nothing(folder: Path) -> None:
    plant(folder, TOML, "column_means = 4", "column_means = 5")
    report = audit(
        Grader(read_assignment(folder), secret=""), gradings=1, seeds=1, mutate=False, workers=1
    )
    assert report.rows == []
    assert "add up to 4" in report.findings[0]


def test_declared_checks_are_those_of_both_files(folder: Path) -> None:
    checks = declared_checks(read_assignment(folder))
    assert [(check.path.name, check.function, check.points) for check in checks] == [
        (PUBLIC, "column_means", 1.0),
        (HIDDEN, "column_means", 3.0),
    ]


def test_the_course_has_assignments_with_names_of_their_own(assignment: Assignment) -> None:
    orders = [other.order for other in find_assignments(assignment.folder.parent.parent)]
    assert orders.count(assignment.order) == 1, f"two assignments have the order {assignment.order}"
