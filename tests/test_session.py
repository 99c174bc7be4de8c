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
import tiny_course
import torch

from autograder.assignment import Assignment, read_assignment
from autograder.authoring.handout import stub_of
from autograder.errors import AuthoringError, AutograderError
from autograder.grading.checks import MESSAGE_CHARACTERS, run_checks
from autograder.grading.student import Verdict
from autograder.results import OUTCOMES, Check
from autograder.sandbox.process import Sandbox
from autograder.vocabulary import Call

VECTOR, LEAVES = "test_halve_of_a_vector", "test_halve_leaves_its_argument"
SECRET = "test_halve_of_a_secret_matrix"
SENTENCE = "halve works on a matrix of any size whatsoever."
HIDDEN_HINT = "Every element counts."
HIDDEN = "test_hidden.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_course.write(tmp_path)


@pytest.fixture
def tiny(folder: Path) -> Assignment:
    return read_assignment(folder)


def half(x: torch.Tensor) -> torch.Tensor:
    return x / 2


def checks_of(
    assignment: Assignment, halve: Callable[..., Any] = half, secret: str = "a secret"
) -> dict[str, Check]:
    """The checks of halve on a function of this process: what a session makes of them needs no
    sandbox.
    """

    def call(name: str, x: torch.Tensor) -> Call:
        return Call(halve(x), (x,))

    student = SimpleNamespace(halve=halve, total=torch.sum, call=call)
    checks = run_checks(assignment, student, secret)
    return {check.name: check for check in checks if check.function == "halve"}


def rewrite(folder: Path, old: str, new: str, file: str = HIDDEN) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def check_body(folder: Path, *lines: str) -> None:
    """Replace the body of the hidden check of halve."""
    text = (folder / HIDDEN).read_text(encoding="utf-8")
    start = text.index("    A = draw.uniform(3, 2)")
    end = text.index("\n\n\n", start)
    body = "\n".join(f"    {line}" for line in lines)
    (folder / HIDDEN).write_text(text[:start] + body + text[end:], encoding="utf-8")


def ends(outcome: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """A student's function whose call ends so."""

    def function(x: torch.Tensor) -> torch.Tensor:
        raise Verdict(outcome, f"halve {outcome}\nand a second line")

    return function


# --- outcomes and points --------------------------------------------------------------------------


def test_a_right_answer_passes_every_check_and_earns_its_points(tiny: Assignment) -> None:
    checks = checks_of(tiny)
    assert [
        (check.name, check.outcome, check.earned, check.visibility) for check in checks.values()
    ] == [
        (VECTOR, "passed", 1.6, "public"),
        (LEAVES, "passed", 0.4, "public"),
        (SECRET, "passed", 1.0, "hidden"),
    ]
    assert all(check.message == "" and check.hint == "" for check in checks.values())


def test_a_wrong_answer_fails_with_message_hint_and_sentence(tiny: Assignment) -> None:
    check = checks_of(tiny, lambda x: x / 3)[SECRET]
    assert (check.outcome, check.earned, check.hint) == ("failed", 0.0, HIDDEN_HINT)
    assert check.message.startswith("halve(A) is not half of A everywhere (largest difference")
    assert check.title == SENTENCE


@pytest.mark.parametrize(
    "outcome", [outcome for outcome in OUTCOMES if outcome not in ("passed", "failed")]
)
def test_a_call_that_does_not_return_gives_its_own_outcome(tiny: Assignment, outcome: str) -> None:
    for check in checks_of(tiny, ends(outcome)).values():
        assert (check.outcome, check.earned) == (outcome, 0.0)
        assert check.message == f"halve {outcome}"


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        "text",
        (),
        (1, 2),
        torch.zeros(0),
        torch.full((3, 2), torch.nan),
        torch.zeros(3, 2, dtype=torch.int64),
    ],
)
def test_whatever_comes_back_is_a_wrong_answer(tiny: Assignment, value: Any) -> None:
    checks = checks_of(tiny, lambda x: value)
    assert (checks[VECTOR].outcome, checks[SECRET].outcome) == ("failed", "failed")


# --- messages -------------------------------------------------------------------------------------


def test_an_assertion_without_words_tells_the_sentence_and_not_the_inputs(
    folder: Path, tiny: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    finders = [
        finder for finder in sys.meta_path if type(finder).__name__ != "AssertionRewritingHook"
    ]
    # this test's own pytest would put words into the assertion
    monkeypatch.setattr(sys, "meta_path", finders)
    check_body(
        folder,
        "A = draw.uniform(5, 3)",
        "assert student.halve(A).tolist() == A.sum().tolist()",
    )
    assert checks_of(tiny)[SECRET].message == f"not so: {SENTENCE}"


def test_a_message_is_one_line_of_bounded_length(folder: Path, tiny: Assignment) -> None:
    check_body(folder, "assert False, 'x' * 10_000 + '\\nsecond line'")
    assert checks_of(tiny)[SECRET].message == "x" * MESSAGE_CHARACTERS


def test_no_input_of_the_hidden_check_is_in_its_message(tiny: Assignment) -> None:
    seen: list[float] = []

    def wrong(x: torch.Tensor) -> torch.Tensor:
        seen.extend(x.flatten().tolist() if x.shape == (3, 2) else [])
        return 3 * x

    message = checks_of(tiny, wrong)[SECRET].message
    assert len(seen) == 6
    assert not [value for value in seen if f"{value:.3f}" in message or f"{value:.3g}" in message]


# --- inputs ---------------------------------------------------------------------------------------


def inputs(assignment: Assignment, secret: str) -> list[torch.Tensor]:
    seen: list[torch.Tensor] = []

    def function(x: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        return half(x)

    checks_of(assignment, function, secret)
    return seen


def test_a_secret_governs_the_inputs_of_hidden_checks(tiny: Assignment) -> None:
    *public, hidden = inputs(tiny, "a secret")
    *again_public, again = inputs(tiny, "a secret")
    *other_public, other = inputs(tiny, "another")
    assert len(public) == len(again_public) == len(other_public) == 2
    assert all(map(torch.equal, public, again_public))
    assert all(map(torch.equal, public, other_public))
    assert torch.equal(hidden, again)
    assert not torch.equal(hidden, other)


def test_the_reference_is_the_solution_in_this_process(folder: Path, tiny: Assignment) -> None:
    rewrite(folder, "(student, draw)", "(student, draw, reference)")
    check_body(
        folder,
        "A = draw.uniform(4, 2)",
        "close(student.halve(A), reference.halve(A), 1e-6, 'differs')",
    )
    assert checks_of(tiny)[SECRET].outcome == "passed"


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
    assert SECRET in str(caught.value)


UNWRITTEN = {
    "no task": ('@pytest.mark.task("halve")\n', "", "has no task. Add @pytest.mark.task"),
    "no points": ("@pytest.mark.points(1)\n", "", "has no points. Add @pytest.mark.points"),
    "zero points": ("points(1)", "points(0)", "has no points"),
    "no hint": (f'@pytest.mark.hint("{HIDDEN_HINT}")\n', "", "has no hint. Add @pytest.mark.hint"),
    "an empty hint": (HIDDEN_HINT, "", "has an empty hint"),
    "no docstring": (f'"""{SENTENCE}"""', "pass", "has no docstring. Write one true sentence"),
    "an unknown function": ('task("halve")', 'task("double")', "is about double, which assignment.toml does not"),
    "too many points": ("points(1)", "points(2)", "gives halve 3 points, and its checks add up to 4"),
    "a name used twice": (SECRET, VECTOR, f"{VECTOR} is also in test_public.py. Give each check a name of its own"),
    "points of every case": (
        "@pytest.mark.points(1)", "@pytest.mark.points(1)\n@pytest.mark.parametrize('draw', [1, 2])", "its checks add up to 4"),
    "no Python": ("import pytest\n", "import pytest pytest\n", "cannot be collected"),
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


def test_an_interrupt_while_checks_are_collected_ends_all(folder: Path, tiny: Assignment) -> None:
    rewrite(folder, "import pytest\n", "import pytest\nraise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        checks_of(tiny)


def test_a_session_leaves_the_environment_as_it_was(
    tiny: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "as it was")
    checks_of(tiny)
    assert os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] == "as it was"


# What the hidden check finds at first, and what it leaves: code above it, what is true at first,
# what it then does.
TAKEN_ALONG = {
    "a list": ("SEEN = []", "SEEN == []", "SEEN.append(1)"),
    "a tensor": ("T = __import__('torch').zeros(2)", "T.sum() == 0", "T.add_(1)"),
    "a generator": (
        "G = __import__('torch').Generator().manual_seed(3)",
        "G.initial_seed() == 3 and G.get_state().equal(G.clone_state().manual_seed(3).get_state())",
        "draw.__class__.uniform(type('D', (), {'_generator': G})(), 2)",
    ),
    "a name": ("", "'LEFT' not in globals()", "globals()['LEFT'] = 1"),
    "an attribute": ("", "not hasattr(close_to, 'n')", "close_to.n = 1"),
    "a default": ("def note(seen=[]): seen.append(1); return len(seen)", "note() == 1", "note()"),
    "a fixture of the file": (
        "@pytest.fixture(scope='module')\ndef kept(seen=[]): seen.append(1); return seen",
        "kept == [1]",
        "pass",
    ),
    "a parameter": ("", "kept == []", "kept.append(1)"),
    "a curve": ("", "picture.kept is None", "picture.curve(yours=[2.0, 1.0], name='halve')"),
}


@pytest.mark.parametrize("what", TAKEN_ALONG)
def test_nothing_that_a_check_leaves_behind_reaches_the_next_student(
    folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    above, first, leaves = TAKEN_ALONG[what]
    check_body(
        folder, f"assert {first}, 'not as at first'", leaves, "student.halve(draw.normal(2))"
    )
    above += "\ndef close_to(): pass\n"
    if what == "a parameter":
        above += "\n\n@pytest.mark.parametrize('kept', [[]], ids=['x'])"
    rewrite(folder, '\n\n\n@pytest.mark.task("halve")', f'\n{above}\n@pytest.mark.task("halve")')
    taken = "student, draw, " + ("picture" if what == "a curve" else "kept")
    if what in ("a curve", "a parameter", "a fixture of the file"):
        rewrite(folder, "(student, draw)", f"({taken})")
    collections = counted(monkeypatch)
    assignment, name = read_assignment(folder), SECRET + ("[x]" if what == "a parameter" else "")
    ended = [checks_of(assignment)[name] for _ in range(3)]
    assert [(check.outcome, check.message) for check in ended] == [("passed", "")] * 3
    anew = what in ("a parameter", "a fixture of the file")
    assert len(collections) == (3 if anew else 1)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The runs of pytest from now on."""
    runs: list[object] = []
    real = pytest.main
    monkeypatch.setattr(
        pytest, "main", lambda *given, **more: (runs.append(1), real(*given, **more))[1]
    )
    return runs


def test_a_curve_is_not_the_one_of_the_student_before(folder: Path) -> None:
    check_body(folder, "picture.curve(yours=student.halve(draw.normal(2)), name='halve')")
    rewrite(folder, "(student, draw)", "(student, draw, picture)")
    assignment = read_assignment(folder)
    (first, second) = (
        checks_of(assignment, halve)[SECRET] for halve in (lambda x: [2.0, 1.0], ends("raised"))
    )
    assert first.curve is not None and second.curve is None


def test_a_check_that_has_changed_is_collected_anew(folder: Path, tiny: Assignment) -> None:
    assert checks_of(tiny)[SECRET].outcome == "passed"
    check_body(folder, "assert False, 'of today'")
    assert checks_of(tiny)[SECRET].message == "of today"


def test_a_student_after_one_whose_check_broke_is_graded_as_ever(folder: Path) -> None:
    check_body(folder, "student.halve(draw.normal(2))", "pytest.exit('no more')")
    assignment = read_assignment(folder)
    for _ in range(2):
        with pytest.raises(AutograderError, match="pytest ended"):
            checks_of(assignment)
    rewrite(folder, "pytest.exit('no more')", "pass")
    assert checks_of(assignment)[SECRET].outcome == "passed"


def test_an_authoring_error_names_its_three_parts() -> None:
    error = AuthoringError("file.py", "is odd", "Make it even.")
    assert (str(error), error.where, error.what, error.mend) == (
        "file.py: is odd. Make it even.",
        "file.py",
        "is odd",
        "Make it even.",
    )


# --- plain pytest ---------------------------------------------------------------------------------

# of what is installed only this plugin, by its entry point: hypothesis alone takes seconds to import
ALONE = ("--disable-plugin-autoload", "-p", "autograder", "-p", "no:cacheprovider")


@pytest.fixture
def plain(
    pytester: pytest.Pytester, folder: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], pytest.RunResult]:
    """Run `pytest FOLDER --submission FILE` on a text, in the sandbox that is warm already."""
    monkeypatch.setattr(Sandbox, "start", lambda isolation="sandbox": nullcontext(sandbox))

    def run(text: str, *options: str) -> pytest.RunResult:
        file = pytester.makepyfile(submission=text)
        return pytester.runpytest_inprocess(folder, f"--submission={file}", *ALONE, *options)

    return run


def test_plain_pytest_grades_a_right_answer(
    plain: Callable[..., pytest.RunResult], tiny: Assignment
) -> None:
    result = plain(tiny.solution.read_text(encoding="utf-8"))
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["halve: 3 of 3 points", "total: 1.5 of 1.5 points"])


def test_plain_pytest_tells_sentence_message_and_hint(
    plain: Callable[..., pytest.RunResult],
) -> None:
    result = plain(tiny_course.SOLUTION + tiny_course.THIRDS)
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines([
        SENTENCE,
        "  failed: halve(A) is not half of A everywhere*",
        f"  hint: {HIDDEN_HINT}",
        "halve: 0.4 of 3 points",
    ])  # fmt: skip
    assert "draw.uniform" not in result.stdout.str()


def test_plain_pytest_tells_how_a_call_ended(
    plain: Callable[..., pytest.RunResult], tiny: Assignment
) -> None:
    result = plain(stub_of(tiny.solution.read_text(encoding="utf-8")))
    result.assert_outcomes(failed=6)
    result.stdout.fnmatch_lines(["*raised: halve is not written yet*", "halve: 0 of 3 points"])
    result = plain("raise RuntimeError\n")
    result.stdout.fnmatch_lines(["*missing: halve is not defined*"])


def test_plain_pytest_draws_what_it_is_told_to(
    plain: Callable[..., pytest.RunResult], tiny: Assignment
) -> None:
    plain(tiny.solution.read_text(encoding="utf-8"), "--draw=another").assert_outcomes(passed=6)


def test_without_a_submission_the_plugin_only_knows_the_marks(pytester: pytest.Pytester) -> None:
    marks = "@pytest.mark.task('f')\n@pytest.mark.points(1)\n@pytest.mark.hint('h')\n"
    pytester.makepyfile(f"import pytest\n{marks}def test_x(): pass\n")
    pytester.runpytest_inprocess("--strict-markers", *ALONE).assert_outcomes(passed=1)
