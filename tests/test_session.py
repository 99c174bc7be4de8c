"""The pytest plugin: what becomes of checks that pass, fail, cannot be judged, or are not written
as checks are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from autograder.assignment import Assignment, read_assignment
from autograder.authoring.handout import stub_of
from autograder.authoring.new import SKELETON, new_assignment
from autograder.course import Course
from autograder.errors import AuthoringError, AutograderError
from autograder.grading.checks import MESSAGE_CHARACTERS, run_checks
from autograder.grading.student import Verdict
from autograder.results import OUTCOMES, Check
from autograder.sandbox.process import Sandbox

MISTAKE = (SKELETON / "assignment/mistakes/divides_by_columns.py").read_text(encoding="utf-8")
SMALL, OBLONG = "test_means_of_a_small_matrix", "test_means_of_a_matrix_that_is_not_square"
HIDDEN_HINT = "How many numbers are added up in each column?"
HIDDEN = "test_hidden.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reference_solutions").mkdir()
    new_assignment(Course(tmp_path), "tiny")
    return tmp_path / "reference_solutions" / "tiny"


@pytest.fixture
def tiny(folder: Path) -> Assignment:
    return read_assignment(folder)


def means(A: torch.Tensor) -> torch.Tensor:
    return A.mean(dim=0)


def checks_of(
    assignment: Assignment, function: Callable[..., Any] = means, secret: str = "a secret"
) -> dict[str, Check]:
    """The checks of the tiny assignment on a function of this process: what a session makes of them
    needs no sandbox.
    """
    return {
        check.name: check
        for check in run_checks(assignment, SimpleNamespace(column_means=function), secret)
    }


def rewrite(folder: Path, old: str, new: str, file: str = HIDDEN) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def check_body(folder: Path, *lines: str) -> None:
    """Replace the body of the hidden check."""
    text = (folder / HIDDEN).read_text(encoding="utf-8")
    head, _, _ = text.partition("    for m, n in")
    (folder / HIDDEN).write_text(
        head + "".join(f"    {line}\n" for line in lines), encoding="utf-8"
    )


def ends(outcome: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """A student's function whose call ends so."""

    def function(A: torch.Tensor) -> torch.Tensor:
        raise Verdict(outcome, f"column_means {outcome}\nand a second line")

    return function


# --- outcomes and points --------------------------------------------------------------------------


def test_a_right_answer_passes_every_check_and_earns_its_points(tiny: Assignment) -> None:
    checks = checks_of(tiny)
    assert [
        (check.name, check.outcome, check.earned, check.visibility) for check in checks.values()
    ] == [
        (SMALL, "passed", 1.0, "public"),
        (OBLONG, "passed", 3.0, "hidden"),
    ]
    assert all(
        check.message == "" and check.hint == "" and check.function == "column_means"
        for check in checks.values()
    )


def test_a_wrong_answer_fails_with_message_hint_and_sentence(tiny: Assignment) -> None:
    check = checks_of(tiny, lambda A: A.sum(0) / A.shape[1])[OBLONG]
    assert (check.outcome, check.earned, check.hint) == ("failed", 0.0, HIDDEN_HINT)
    assert check.message.startswith(
        "column_means(A of shape (5, 3)) is not the mean of every column (largest difference"
    )
    assert (
        check.title
        == "column_means is right for matrices with more rows than columns, and with fewer."
    )


@pytest.mark.parametrize(
    "outcome", [outcome for outcome in OUTCOMES if outcome not in ("passed", "failed")]
)
def test_a_call_that_does_not_return_gives_its_own_outcome(tiny: Assignment, outcome: str) -> None:
    for check in checks_of(tiny, ends(outcome)).values():
        assert (check.outcome, check.earned, check.message) == (
            outcome,
            0.0,
            f"column_means {outcome}",
        )


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        "text",
        (),
        (1, 2),
        torch.zeros(0),
        torch.full((3,), torch.nan),
        torch.zeros(3, dtype=torch.int64),
    ],
)
def test_whatever_comes_back_is_a_wrong_answer(tiny: Assignment, value: Any) -> None:
    assert {check.outcome for check in checks_of(tiny, lambda A: value).values()} == {"failed"}


# --- messages -------------------------------------------------------------------------------------


def test_an_assertion_without_words_tells_the_sentence_and_not_the_inputs(
    folder: Path, tiny: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    finders = [
        finder for finder in sys.meta_path if type(finder).__name__ != "AssertionRewritingHook"
    ]
    monkeypatch.setattr(
        sys, "meta_path", finders
    )  # this test's own pytest would put words into the assertion
    check_body(
        folder,
        "A = draw.uniform(5, 3)",
        "assert student.column_means(A).tolist() == A.sum().tolist()",
    )
    check = checks_of(tiny)[OBLONG]
    assert (
        check.message
        == "not so: column_means is right for matrices with more rows than columns, and with fewer."
    )


def test_a_message_is_one_line_of_bounded_length(folder: Path, tiny: Assignment) -> None:
    check_body(folder, "assert False, 'x' * 10_000 + '\\nsecond line'")
    assert checks_of(tiny)[OBLONG].message == "x" * MESSAGE_CHARACTERS


def test_no_input_of_the_hidden_check_is_in_its_message(tiny: Assignment) -> None:
    seen: list[float] = []

    def wrong(A: torch.Tensor) -> torch.Tensor:
        seen.extend(A.flatten().tolist() if len(A) == 5 else [])
        return A.sum(0)

    message = checks_of(tiny, wrong)[OBLONG].message
    assert len(seen) == 15
    assert not [value for value in seen if f"{value:.3f}" in message or f"{value:.3g}" in message]


# --- inputs ---------------------------------------------------------------------------------------


def inputs(assignment: Assignment, secret: str) -> list[torch.Tensor]:
    seen: list[torch.Tensor] = []

    def function(A: torch.Tensor) -> torch.Tensor:
        seen.append(A)
        return means(A)

    checks_of(assignment, function, secret)
    return seen


def test_a_secret_governs_the_inputs_of_hidden_checks(tiny: Assignment) -> None:
    public, *hidden = inputs(tiny, "one")
    again = inputs(tiny, "one")
    other = inputs(tiny, "two")
    assert all(map(torch.equal, [public, *hidden], again))
    assert torch.equal(public, other[0])
    assert not any(map(torch.equal, hidden, other[1:]))


def test_the_reference_is_the_solution_in_this_process(folder: Path, tiny: Assignment) -> None:
    rewrite(folder, "(student, draw)", "(student, draw, reference)")
    check_body(
        folder,
        "A = draw.uniform(4, 2)",
        "close(student.column_means(A), reference.column_means(A), 1e-6, 'differs')",
    )
    assert checks_of(tiny)[OBLONG].outcome == "passed"


# --- checks that are at fault ---------------------------------------------------------------------

FAULTS = {
    "an exception": ("raise ValueError('of the check itself')", "ValueError: of the check itself"),
    "an unguarded result": ("U, V = None", "TypeError: cannot unpack"),
    "a skip": ("pytest.skip('not today')", "Skipped: not today"),
    "an exit": ("raise SystemExit(0)", "SystemExit"),
}


@pytest.mark.parametrize(("line", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_a_check_that_breaks_is_the_graders_fault(
    folder: Path, tiny: Assignment, line: str, expected: str
) -> None:
    check_body(folder, line)
    with pytest.raises(AutograderError, match=expected) as caught:
        checks_of(tiny)
    assert OBLONG in str(caught.value)


UNWRITTEN = {
    "no task": ('@pytest.mark.task("column_means")\n', "", "has no task. Add @pytest.mark.task"),
    "no points": ("@pytest.mark.points(3)\n", "", "has no points. Add @pytest.mark.points"),
    "zero points": ("points(3)", "points(0)", "has no points"),
    "no hint": (f'@pytest.mark.hint("{HIDDEN_HINT}")\n', "", "has no hint. Add @pytest.mark.hint"),
    "an empty hint": (HIDDEN_HINT, "", "has an empty hint"),
    "no docstring": ('"""column_means is right for matrices with more rows than columns, and with fewer."""', "pass",
                     "has no docstring. Write one true sentence"),
    "an unknown function": ('task("column_means")', 'task("row_means")', "is about row_means, which assignment.toml does not"),
    "too many points": ("points(3)", "points(4)", "gives column_means 4 points, and its checks add up to 5"),
    "a name used twice": (OBLONG, SMALL, f"{SMALL} is also in test_public.py. Give each check a name of its own"),
    "points of every case": (
        "@pytest.mark.points(3)", "@pytest.mark.points(3)\n@pytest.mark.parametrize('draw', [1, 2])", "its checks add up to 7"),
    "no Python": ("import torch\n", "import torch torch\n", "cannot be collected"),
    "an unknown fixture": ("(student, draw)", "(student, drawn)", "fixture 'drawn' not found"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), UNWRITTEN.values(), ids=UNWRITTEN.keys())
def test_a_check_that_is_not_written_as_checks_are_is_named(
    folder: Path, tiny: Assignment, old: str, new: str, expected: str
) -> None:
    rewrite(folder, old, new)
    with pytest.raises(AutograderError) as caught:
        checks_of(tiny)
    assert expected in str(caught.value)
    assert HIDDEN in str(caught.value) or "assignment.toml" in str(caught.value)


def test_a_session_leaves_the_environment_as_it_was(
    tiny: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "kept")
    checks_of(tiny)
    assert os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] == "kept"


def test_an_authoring_error_names_its_three_parts() -> None:
    error = AuthoringError("file.py", "is odd", "Make it even.")
    assert (str(error), error.where, error.what, error.mend) == (
        "file.py: is odd. Make it even.",
        "file.py",
        "is odd",
        "Make it even.",
    )


# --- plain pytest ---------------------------------------------------------------------------------


@pytest.fixture
def plain(
    pytester: pytest.Pytester, folder: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], pytest.RunResult]:
    """Run `pytest FOLDER --submission FILE` on a text, in the sandbox that is warm already."""
    monkeypatch.setattr(Sandbox, "start", lambda isolation="sandbox": nullcontext(sandbox))

    def run(text: str, *options: str) -> pytest.RunResult:
        file = pytester.makepyfile(submission=text)
        return pytester.runpytest_inprocess(
            folder, f"--submission={file}", "-p", "no:cacheprovider", *options
        )

    return run


def test_plain_pytest_grades_a_right_answer(
    plain: Callable[..., pytest.RunResult], tiny: Assignment
) -> None:
    result = plain(tiny.solution.read_text(encoding="utf-8"))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["column_means: 4 of 4 points"])


def test_plain_pytest_tells_sentence_message_and_hint(
    plain: Callable[..., pytest.RunResult],
) -> None:
    result = plain("import torch\n" + MISTAKE)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([
        "column_means is right for matrices*",
        "  failed: column_means(A of shape (5, 3)) is not*",
        f"  hint: {HIDDEN_HINT}",
        "column_means: 1 of 4 points",
    ])  # fmt: skip
    assert "draw.uniform" not in result.stdout.str()


def test_plain_pytest_tells_how_a_call_ended(
    plain: Callable[..., pytest.RunResult], tiny: Assignment
) -> None:
    result = plain(stub_of(tiny.solution.read_text(encoding="utf-8")))
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["*raised: column_means is not written yet*", "column_means: 0 of 4 points"]
    )
    result = plain("raise RuntimeError\n")
    result.stdout.fnmatch_lines(["*missing: column_means is not defined*"])


def test_plain_pytest_draws_what_it_is_told_to(
    plain: Callable[..., pytest.RunResult], tiny: Assignment
) -> None:
    plain(tiny.solution.read_text(encoding="utf-8"), "--draw=another").assert_outcomes(passed=2)


def test_without_a_submission_the_plugin_only_knows_the_marks(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import pytest\n@pytest.mark.task('f')\n@pytest.mark.points(1)\n@pytest.mark.hint('h')\ndef test_x(): pass\n"
    )
    pytester.runpytest_inprocess("--strict-markers", "-p", "no:cacheprovider").assert_outcomes(
        passed=1
    )
