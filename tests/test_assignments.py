"""What every assignment owes: a folder that holds together, and checks that tell right from wrong.
Found by glob, not by name.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest
from conftest import ASSIGNMENTS
from test_kit_agreement import in_the_folder, lay, shared

from autograder.assignment import Assignment
from autograder.audit.audit import RIGHT, ZEROS, ZEROS_SHARE, Report, Row, audit, one_file
from autograder.authoring.folder import validate_folder
from autograder.authoring.release import KIT
from autograder.authoring.student_kit import conftest as kit
from autograder.grading.grader import Grader
from autograder.sandbox.process import Sandbox

NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?|\b(?:nan|inf)\b", re.IGNORECASE)
_reports: dict[str, Report] = {}


@pytest.fixture
def graded(assignment: Assignment, sandbox: Sandbox) -> Report:
    """The audit of an assignment: every right answer and every mistake on one draw; made once for
    the tests of this file.
    """
    if assignment.slug not in _reports:
        grader = Grader(assignment, secret="", sandbox=sandbox, diagnoses=False)
        _reports[assignment.slug] = audit(
            grader, gradings=1, seeds=1, mutate=False, workers=assignment.course.workers
        )
    return _reports[assignment.slug]


def rows(report: Report, *kinds: str) -> list[Row]:
    return [row for row in report.rows if row.specimen.kind in kinds]


def test_there_are_assignments() -> None:
    assert ASSIGNMENTS


def test_its_folder_holds_together(assignment: Assignment) -> None:
    assert "\n".join(map(str, validate_folder(assignment))) == ""


def test_it_says_what_is_learnt(assignment: Assignment) -> None:
    assert assignment.objectives
    assert all(objective.strip() for objective in assignment.objectives)


def test_its_design_tells_what_was_measured(assignment: Assignment) -> None:
    design = (assignment.folder / "design.md").read_text(encoding="utf-8")
    assert "measure.py" in design


def test_every_mistake_has_a_title_and_a_hint_of_its_own(assignment: Assignment) -> None:
    titles = [mistake.title for mistake in assignment.mistakes]
    hints = [mistake.hint for mistake in assignment.mistakes]
    assert all(text.strip() for text in titles + hints)
    assert len(set(titles)) == len(titles)


def test_the_reference_gets_full_marks_and_no_diagnosis(
    assignment: Assignment, sandbox: Sandbox
) -> None:
    """On a draw of its own; the audit below gives each right answer another one."""
    grader = Grader(assignment, secret="a class", sandbox=sandbox)
    result = grader.run(one_file(assignment.solution.read_text(encoding="utf-8")))
    assert [check.message for check in result.tests if check.outcome != "passed"] == []
    assert result.score == result.max_score == assignment.max_score
    assert result.diagnosis == ()


@pytest.mark.slow
def test_right_answers_get_full_marks(graded: Report) -> None:
    assert len(rows(graded, *RIGHT)) == 1 + len(graded.assignment.variants)
    for row in rows(graded, *RIGHT):
        assert set(row.scores) == {graded.assignment.max_score}, (
            f"{row.specimen.name}: {row.failures}"
        )


@pytest.mark.slow
def test_an_untouched_stub_gets_nothing(graded: Report) -> None:
    assert [row.scores for row in rows(graded, "stub")] == [[0.0]]


@pytest.mark.slow
def test_zeros_of_the_right_shape_get_at_most_a_tenth(graded: Report) -> None:
    (row,) = (row for row in graded.rows if row.specimen.name == ZEROS)
    assert max(row.scores) <= ZEROS_SHARE * graded.assignment.max_score


@pytest.mark.slow
def test_every_mistake_fails_what_it_names_and_nothing_else(graded: Report) -> None:
    for row in rows(graded, "mistake"):
        failed = {name for name, count in row.failures.items() if count}
        assert failed == row.specimen.fails, row.specimen.name


@pytest.mark.slow
def test_the_audit_finds_nothing(graded: Report) -> None:
    assert graded.findings == []


def saying_more(report: Report) -> list[Row]:
    """The rows of what is right, and of each mistake of which a public check says behind the line
    what it has said of none before, numbers apart.
    """
    chosen, said = [], set()
    for row in report.rows:
        says = {
            (check.name, check.outcome, NUMBER.sub("0", shared(check.message)))
            for check in row.latest
            if check.visibility == "public"
        }
        if row.specimen.kind != "mistake" or says - said:
            chosen.append(row)
        said |= says
    return chosen


@pytest.mark.slow
def test_the_students_own_checks_say_what_the_grader_says(
    graded: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Every public check: in the released folder, and behind the line. On every right answer, and
    on mistakes until each check has said everything that it says of any; with --every-mistake, as
    `make audit` does, on all of them.
    """
    every = request.config.getoption("--every-mistake")
    monkeypatch.setattr(kit, "HERE", tmp_path)
    monkeypatch.setattr(kit, "picture_of", lambda item: None)  # drawn in test_kit_check.py
    for file in (KIT / "pytest.ini", graded.assignment.checks[0]):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    differing = []
    for row in graded.rows if every else saying_more(graded):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a submission may warn
            ours = in_the_folder(lay(tmp_path, row.specimen))
        theirs = {}
        for check in row.latest:
            if check.visibility == "public":
                theirs[check.name] = (check.outcome, shared(check.message))
        assert ours.keys() == theirs.keys() != set()
        for name in ours:
            if ours[name] != theirs[name]:
                differing.append(f"{row.specimen.name}: {name}: {ours[name]}, {theirs[name]}")
    assert not differing, "\n".join(differing)
