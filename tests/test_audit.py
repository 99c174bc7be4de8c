"""The audit finds what is wrong with an assignment's graders, and nothing where nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.assignment import Assignment, read_assignment
from autograder.audit.audit import Report, audit
from autograder.audit.mutants import mutants_of
from autograder.audit.page import page
from autograder.authoring.folder import equivalents
from autograder.authoring.new import SKELETON, new_assignment
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.grading.grader import Grader
from autograder.sandbox.process import Sandbox

NAME = "tiny"
MISTAKE = (SKELETON / "assignment/mistakes/divides_by_columns.py").read_text(encoding="utf-8")
VARIANT = (SKELETON / "assignment/variants/loops.py").read_text(encoding="utf-8")
SMALL, OBLONG = "test_means_of_a_small_matrix", "test_means_of_a_matrix_that_is_not_square"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reference_solutions").mkdir()
    new_assignment(Course(tmp_path), NAME)
    return tmp_path / "reference_solutions" / NAME


@pytest.fixture
def tiny(folder: Path) -> Assignment:
    return read_assignment(folder)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def audited(
    assignment: Assignment, sandbox: Sandbox, *, mutate: bool = False, gradings: int = 2
) -> Report:
    grader = Grader(assignment, secret="", sandbox=sandbox, diagnoses=False)
    return audit(grader, gradings=gradings, seeds=1, mutate=mutate, workers=1)


def weaken(folder: Path) -> None:
    """Let the hidden check look at square matrices alone, which cannot tell rows from columns."""
    replace(folder / "test_hidden.py", "((5, 3), (2, 4))", "((3, 3),)")
    (folder / "mistakes/divides_by_columns.py").unlink()


def test_right_answers_and_mistakes_have_a_row_each(tiny: Assignment, sandbox: Sandbox) -> None:
    report = audited(tiny, sandbox, gradings=4)
    assert report.findings == []
    rows = {row.specimen.name: row for row in report.rows}
    assert [(name, row.gradings, row.marks()) for name, row in rows.items()] == [
        ("solution", 2, "··"),
        ("loops", 2, "··"),
        ("untouched stub", 1, "✗✗"),
        ("all_zeros", 1, "✗✗"),
        ("divides_by_columns", 1, "·✗"),
    ]
    assert report.right_gradings == 4


def test_a_right_answer_that_loses_a_point_is_reported(
    folder: Path, tiny: Assignment, sandbox: Sandbox
) -> None:
    text = VARIANT.replace("total / len(A)", "(total / len(A)).round(decimals=1)")
    (folder / "variants" / "rounds.py").write_text(text, encoding="utf-8")
    findings = audited(tiny, sandbox).findings
    assert len(findings) == 1
    assert findings[0].startswith(
        f"variant rounds (audit 2) fails {OBLONG}: failed: column_means(A of shape (5, 3))"
    )


def test_a_mistake_that_passes_what_it_must_fail_is_reported(
    folder: Path, tiny: Assignment, sandbox: Sandbox
) -> None:
    text = MISTAKE.replace(f'["{OBLONG}"]', f'["{SMALL}", "{OBLONG}"]')
    (folder / "mistakes" / "claims_more.py").write_text(text, encoding="utf-8")
    assert audited(tiny, sandbox).findings == [
        f"mistake claims_more (audit 0) passes {SMALL}, which it must fail"
    ]


def test_a_mistake_that_fails_more_than_it_names_is_reported(
    folder: Path, tiny: Assignment, sandbox: Sandbox
) -> None:
    text = MISTAKE.replace("A.sum(dim=0) / A.shape[1]", "A.sum(dim=0)")
    (folder / "mistakes" / "forgets_to_divide.py").write_text(text, encoding="utf-8")
    (finding,) = audited(tiny, sandbox).findings
    assert finding.startswith(
        f"mistake forgets_to_divide (audit 0) fails {SMALL}: failed: column_means([[1, 3], [3, 5]]) returned"
    )


def test_a_stub_that_earns_something_is_reported(
    folder: Path, tiny: Assignment, sandbox: Sandbox
) -> None:
    replace(
        folder / "test_public.py",
        "    means = student.column_means",
        "    return\n    means = student.column_means",
    )
    findings = audited(tiny, sandbox).findings
    assert f"stub untouched stub (audit 0) passes {SMALL}, which it must fail" in findings
    assert (
        "mistake all_zeros (audit 0) earns 1 of 4 points; zeros of the right shape may earn a tenth"
        in findings
    )


def test_mutants_are_different_and_change_few_lines(tiny: Assignment) -> None:
    solution = tiny.solution.read_text(encoding="utf-8")
    mutants = mutants_of(solution)
    assert len(mutants) > 5
    assert len({mutant.source for mutant in mutants}) == len(mutants)
    assert all(
        mutant.source != solution and mutant.was and mutant.was != mutant.becomes
        for mutant in mutants
    )


@pytest.mark.slow
def test_every_mutant_of_a_well_checked_solution_loses_points(
    tiny: Assignment, sandbox: Sandbox
) -> None:
    report = audited(tiny, sandbox, mutate=True)
    assert report.findings == []
    assert report.mutants == len(mutants_of(tiny.solution.read_text(encoding="utf-8")))


@pytest.mark.slow
def test_a_surviving_mutant_is_reported_until_it_is_accepted_with_a_reason(
    folder: Path, tiny: Assignment, sandbox: Sandbox
) -> None:
    weaken(folder)
    report = audited(tiny, sandbox, mutate=True)
    assert report.survivors
    assert any("A.shape[1]" in mutant.becomes.replace(" ", "") for mutant in report.survivors)
    assert all(finding.startswith("a mutant keeps every point (") for finding in report.findings)
    entries = [
        f"[[mutant]]\nwas = '''{mutant.was}'''\nbecomes = '''{mutant.becomes}'''\nreason = 'only square matrices are asked for'\n"
        for mutant in report.survivors
    ]
    (folder / "equivalent_mutants.toml").write_text("\n".join(entries), encoding="utf-8")
    again = audited(tiny, sandbox, mutate=True)
    assert again.findings == []
    assert [reason for _, reason in again.accepted] == ["only square matrices are asked for"] * len(
        entries
    )


@pytest.mark.slow
def test_an_acceptance_that_nothing_needs_is_reported(
    folder: Path, tiny: Assignment, sandbox: Sandbox
) -> None:
    entry = '[[mutant]]\nwas = "a line"\nbecomes = "another"\nreason = "none"\n'
    (folder / "equivalent_mutants.toml").write_text(entry, encoding="utf-8")
    (finding,) = audited(tiny, sandbox, mutate=True).findings
    assert (
        finding
        == "equivalent_mutants.toml accepts a mutant that loses points or is not made: a line -> another"
    )


@pytest.mark.parametrize("text", ["mutant = 3", "[[mutant]]\nwas = 'a'", "not toml ["])
def test_acceptances_that_cannot_be_read_are_named(
    folder: Path, tiny: Assignment, text: str
) -> None:
    (folder / "equivalent_mutants.toml").write_text(text, encoding="utf-8")
    with pytest.raises(AuthoringError, match=r"equivalent_mutants\.toml: cannot be read"):
        equivalents(tiny)


def test_the_page_tells_the_figures_and_shows_the_matrix(
    tiny: Assignment, sandbox: Sandbox
) -> None:
    text = page([audited(tiny, sandbox)], "autograder audit tiny")
    assert "Made by `autograder audit tiny`" in text
    assert "false rejects: 0 of 2 gradings" in text
    assert "mistakes that fail all that they name, every time: 2 of 2" in text
    assert "mistake   divides_by_columns  ·✗  1\n" in text
    assert "1. column_means gives (2, 4) for the rows (1, 3) and (3, 5). (column_means, 1)" in text
