"""The audit finds what is wrong with an assignment's graders, and nothing where nothing is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tiny_course

from autograder.assignment import Assignment, read_assignment
from autograder.audit import audit as audits
from autograder.audit.audit import Report, audit, settle_survivors
from autograder.audit.mutants import mutants_of
from autograder.audit.page import page
from autograder.authoring.folder import equivalents
from autograder.errors import AuthoringError
from autograder.grading.grader import Grader
from autograder.results import Check
from autograder.sandbox.process import Sandbox

VECTOR, LEAVES = "test_halve_of_a_vector", "test_halve_leaves_its_argument"
SECRET = "test_halve_of_a_secret_matrix"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_course.write(tmp_path)


@pytest.fixture
def tiny(folder: Path) -> Assignment:
    return read_assignment(folder)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def audited(
    assignment: Assignment, sandbox: Sandbox, *, mutate: bool = False, gradings: int = 2
) -> Report:
    grader = Grader(assignment, secret="", sandbox=sandbox, diagnoses=False)
    return audit(grader, gradings=gradings, seeds=1, mutate=mutate, workers=1)


def fewer_mutants(folder: Path) -> None:
    """Leave nothing to mutate in total: the mutants of halve are enough."""
    edit(folder / "solution.py", "terms = 1 * x", "terms = x")


def weaken(folder: Path) -> None:
    """Let the checks of halve look at ones alone, which cannot tell a product from a power."""
    edit(folder / "test_hidden.py", "draw.uniform(3, 2)", "draw.uniform(3, 2) ** 0")
    public = folder / "test_public.py"
    edit(public, "student.halve(torch.tensor([2.0, 4.0]))", "student.halve(torch.ones(2))")
    edit(public, "== [1.0, 2.0]", "== [0.5, 0.5]")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Report:
    """The audit, mutants and all, of an assignment whose graders are as they should be."""
    folder = tiny_course.write(tmp_path_factory.mktemp("sound"))
    fewer_mutants(folder)
    return audited(read_assignment(folder), sandbox, gradings=4, mutate=True)


def test_right_answers_and_mistakes_have_a_row_each(sound: Report) -> None:
    assert sound.findings == []
    assert [(row.specimen.name, row.gradings, row.marks()) for row in sound.rows] == [
        ("solution", 2, "······"),
        ("divides", 2, "······"),
        ("untouched stub", 1, "✗✗✗✗✗✗"),
        ("all_zeros", 1, "✗·✗✗✗✗"),
        ("thirds", 1, "✗···✗·"),
    ]
    assert sound.right_gradings == 4


@pytest.mark.parametrize(("by_clock", "found"), [("crowded", False), ("", True)])
def test_what_a_clock_ended_in_company_counts_as_it_goes_alone(
    tiny: Assignment,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    by_clock: str,
    found: bool,
) -> None:
    grade = audits._grade

    def late_at_first(grader: Grader, task: audits.Task) -> tuple[list[Check], str]:
        checks, clock = grade(grader, task)
        seen = tmp_path / f"{task.secret} {task.row and task.row.specimen.name}"
        if seen.exists():
            return checks, clock
        seen.touch()
        return [replace(check, outcome="timed_out") for check in checks], by_clock

    monkeypatch.setattr(audits, "_grade", late_at_first)
    grader = Grader(tiny, secret="", sandbox=sandbox, diagnoses=False)
    report = audit(grader, gradings=2, seeds=1, mutate=False, workers=2)
    assert bool(report.findings) is found
    assert report.right_gradings == 2


def test_a_row_that_is_not_as_it_should_be_is_reported(
    folder: Path, tiny: Assignment, sandbox: Sandbox
) -> None:
    """A right answer that loses a point, a mistake that passes what it must fail, and one that
    fails more than it names: each is found, and nothing else is.
    """
    rounds = tiny_course.VARIANT.replace("x / denominator", "(x / denominator).round(decimals=1)")
    (folder / "variants" / "rounds.py").write_text(rounds, encoding="utf-8")
    claims_more = tiny_course.THIRDS.replace(f'"{SECRET}"', f'"{LEAVES}", "{SECRET}"')
    (folder / "mistakes" / "claims_more.py").write_text(claims_more, encoding="utf-8")
    claims_less = tiny_course.THIRDS.replace(f'"{VECTOR}", ', "")
    (folder / "mistakes" / "claims_less.py").write_text(claims_less, encoding="utf-8")
    less, more, right = sorted(audited(tiny, sandbox).findings)
    assert less.startswith(
        f"mistake claims_less (audit 0) fails {VECTOR}: failed: halve([2, 4]) returned"
    )
    assert more == f"mistake claims_more (audit 0) passes {LEAVES}, which it must fail"
    assert right.startswith(
        f"variant rounds (audit 2) fails {SECRET}: failed: halve(A) is not half of A everywhere"
    )


def test_a_stub_that_earns_something_is_reported(
    folder: Path, tiny: Assignment, sandbox: Sandbox
) -> None:
    call = "    result = student.halve("
    edit(folder / "test_public.py", call, f"    return\n{call}")
    findings = audited(tiny, sandbox).findings
    assert f"stub untouched stub (audit 0) passes {VECTOR}, which it must fail" in findings
    assert (
        "mistake all_zeros (audit 0) earns 2 of 4.5 points; "
        "zeros of the right shape may earn a tenth"
    ) in findings


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
def test_every_mutant_of_a_well_checked_solution_loses_points(sound: Report) -> None:
    assert (sound.findings, sound.survivors) == ([], [])
    solution = sound.assignment.solution.read_text(encoding="utf-8")
    assert sound.mutants == len(mutants_of(solution)) > 5


@pytest.mark.slow
def test_a_surviving_mutant_is_reported_until_it_is_accepted_with_a_reason(
    folder: Path, tiny: Assignment, sandbox: Sandbox
) -> None:
    fewer_mutants(folder)
    weaken(folder)
    report = audited(tiny, sandbox, mutate=True)
    assert "scaled_copy = factor ** x.clone()" in {mutant.becomes for mutant in report.survivors}
    assert len(report.findings) == len(report.survivors)
    assert all(finding.startswith("a mutant keeps every point (") for finding in report.findings)
    entries = [
        f"[[mutant]]\nwas = '''{mutant.was}'''\nbecomes = '''{mutant.becomes}'''\n"
        "reason = 'only ones are asked for'\n"
        for mutant in report.survivors
    ]
    (folder / "equivalent_mutants.toml").write_text("\n".join(entries), encoding="utf-8")
    again = replace(report, findings=[])
    settle_survivors(again)
    assert (again.findings, again.survivors) == ([], [])
    assert [reason for _, reason in again.accepted] == ["only ones are asked for"] * len(entries)


def test_an_acceptance_that_nothing_needs_is_reported(folder: Path, tiny: Assignment) -> None:
    entry = '[[mutant]]\nwas = "a line"\nbecomes = "another"\nreason = "none"\n'
    (folder / "equivalent_mutants.toml").write_text(entry, encoding="utf-8")
    report = Report(tiny)
    settle_survivors(report)
    what = "accepts a mutant that loses points or is not made: a line -> another"
    assert report.findings == [f"equivalent_mutants.toml {what}"]


@pytest.mark.parametrize("text", ["mutant = 3", "[[mutant]]\nwas = 'a'", "not toml ["])
def test_acceptances_that_cannot_be_read_are_named(
    folder: Path, tiny: Assignment, text: str
) -> None:
    (folder / "equivalent_mutants.toml").write_text(text, encoding="utf-8")
    with pytest.raises(AuthoringError, match=r"equivalent_mutants\.toml: cannot be read"):
        equivalents(tiny)


def test_the_page_tells_the_figures_and_shows_the_matrix(sound: Report) -> None:
    text = page([sound], "autograder audit halves")
    assert "Made by `autograder audit halves`" in text
    assert "false rejects: 0 of 4 gradings" in text
    assert "mistakes that fail all that they name, every time: 2 of 2" in text
    assert f"{sound.mutants} lose points, 0 are equivalent, 0 survive" in text
    assert "mistake   thirds          ✗···✗·  1.9\n" in text
    assert "1. halve gives (1, 2) for (2, 4). (halve, 1.6)" in text
