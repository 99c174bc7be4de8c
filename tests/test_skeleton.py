"""`autograder new NAME` lays an assignment that everything accepts as it stands."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.assignment import Assignment, read_assignment
from autograder.audit.audit import audit
from autograder.authoring.folder import validate_folder
from autograder.authoring.handout import stub_of
from autograder.authoring.new import new_assignment
from autograder.authoring.release import drift, release
from autograder.cli import app
from autograder.course import Course
from autograder.errors import UsageError
from autograder.grading.grader import Grader
from autograder.grading.submission import Found
from autograder.sandbox.process import Sandbox

NAME = "demo_assignment"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    (tmp_path / "reference_solutions").mkdir()
    return tmp_path


@pytest.fixture
def laid(course: Path) -> Assignment:
    new_assignment(Course(course), NAME)
    return read_assignment(course / "reference_solutions" / NAME)


def test_the_command_lays_it_and_names_its_files(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOGRADER_COURSE", str(course))
    done = CliRunner().invoke(app, ["new", NAME])
    assert done.exit_code == 0, done.output
    files = [Path(line) for line in done.output.split()]
    assert all(file.is_file() for file in files)
    assert {file.name for file in files} >= {
        "assignment.toml",
        "handout.md",
        "solution.py",
        "design.md",
        "measure.py",
    }


def test_the_next_one_comes_after_it(course: Path, laid: Assignment) -> None:
    new_assignment(Course(course), "another")
    assert read_assignment(course / "reference_solutions" / "another").order == laid.order + 1


def test_it_holds_together(laid: Assignment) -> None:
    assert validate_folder(laid) == []


def test_it_can_be_released(course: Path, laid: Assignment) -> None:
    release([laid])
    assert drift([laid]) == []
    assert "NotImplementedError" in (laid.released / f"{NAME}.ipynb").read_text(encoding="utf-8")


def test_it_grades_right_and_wrong_answers(
    laid: Assignment, sandbox: Sandbox, tmp_path: Path
) -> None:
    solution = laid.solution.read_text(encoding="utf-8")
    mistakes = {mistake.name: mistake for mistake in laid.mistakes}
    texts = {"reference": solution, "stub": stub_of(solution)}
    texts |= {
        name: solution + mistake.path.read_text(encoding="utf-8")
        for name, mistake in mistakes.items()
    }
    results = {}
    with closing(Grader(laid, secret="a course", sandbox=sandbox)) as grader:
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
            results[name] = grader.grade(Found(tmp_path / f"{name}.py", None))
    assert results["reference"].score == laid.max_score
    assert results["stub"].score == 0
    for name, mistake in mistakes.items():
        assert {check.name for check in results[name].tests if check.outcome != "passed"} == set(
            mistake.fails
        )
    assert [item.mistake for item in results["divides_by_columns"].diagnosis] == [
        "divides_by_columns"
    ]


def test_the_audit_finds_nothing(laid: Assignment, sandbox: Sandbox) -> None:
    grader = Grader(laid, secret="", sandbox=sandbox, diagnoses=False)
    report = audit(grader, gradings=2, seeds=1, mutate=False, workers=1)
    assert report.findings == []


def test_what_exists_is_not_touched(course: Path, laid: Assignment) -> None:
    laid.solution.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already"):
        new_assignment(Course(course), NAME)
    assert laid.solution.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "name", ["Capital", "has-dash", "../elsewhere", "1st", "", "lambda", "a b"]
)
def test_a_bad_name_is_refused_with_the_rule(course: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"lower-case letters|Python's own"):
        new_assignment(Course(course), name)
    assert list((course / "reference_solutions").iterdir()) == []


@pytest.mark.parametrize(
    ("most", "words"), [(1000, ["new", NAME]), (1500, ["init", "empty", "--lessons", "gd_svd"])]
)
def test_what_cannot_be_laid_whole_leaves_nothing_and_names_the_file(
    course: Path, most: int, words: list[str]
) -> None:
    """A file system that takes no file of more than so many bytes, as a full one takes none."""
    (course / "empty").mkdir()
    command = [sys.executable, "-c", "from autograder.cli import main; main()", *words]
    done = subprocess.run(
        command,
        cwd=course,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert sorted(course.rglob("*")) == [course / "empty", course / "reference_solutions"]
    assert done.returncode == 1
    assert re.fullmatch(r"autograder: .*\.\w+.*\n", done.stderr), done.stderr
    assert "File too large" in done.stderr
