"""Diagnosis by search: what behaves like a small change of a right answer is told so, in words that
show nothing of the solution; what nobody can name is left unnamed, and can be learnt.
"""

from __future__ import annotations

import ast
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from click.testing import Result as Done
from conftest import ROOT, warm
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from autograder.assignment import UNWRITTEN, Assignment, find_assignments, read_assignment
from autograder.authoring import edits, measured
from autograder.authoring.edits import Made, make, page
from autograder.authoring.edits import _told as crossed
from autograder.authoring.learn import learn, taken_out
from autograder.cli import app
from autograder.course import Course
from autograder.errors import UsageError
from autograder.grading import table as tables
from autograder.grading.alike import TOLERANCE
from autograder.grading.change import Change
from autograder.grading.edits import changes, function_in, source
from autograder.grading.effects import told_by_effect
from autograder.grading.example import Asked, ask
from autograder.grading.fails import Fails
from autograder.grading.grader import Grader
from autograder.grading.known import Known
from autograder.grading.ladder import Rung, read_ladder
from autograder.grading.place import digest, file_of
from autograder.grading.search import Search, _inverted
from autograder.grading.sentences import TEMPLATES, Sentence, lowered, sentence, together
from autograder.grading.sketch import Sketches
from autograder.grading.student import Loaded
from autograder.grading.submission import Submission, Unit
from autograder.results import Diagnosis, Result
from autograder.sandbox.box import Reply
from autograder.sandbox.inside import many
from autograder.sandbox.process import Sandbox
from autograder.steps import make_edits

TOML = """\
title = "Descent"
order = 1
objectives = ["Descend"]

[functions]
descend = 2

[diagnosis]
start = { lr = 1e-30, num_steps = 1 }
draw = "torch.rand"
interval = [0.0, 1.0]

[diagnosis.words]
"a" = "a"
"b" = "b"
"lr" = "the learning rate"
"num_steps" = "the number of steps"
"torch.rand(n)" = "a's start"
"a -= lr * (a @ b - x[0]) * b" = "a's step"
"b -= lr * (a @ b - x[0]) * a" = "b's step"
"for range(num_steps)" = "the loop over steps"
"""
LADDER = """\
descend = [
    { x = [1.0], num_steps = 1, lr = 0.5 },
    { x = [-1.0], num_steps = 1, lr = 0.5 },
    { x = [1.0, 2.0], num_steps = 1, lr = 0.25 },
    { x = [1.0, 2.0, 0.0], num_steps = 3, lr = 0.25 },
    { x = [2.0, 1.0, 1.0], num_steps = 2, lr = 0.25 },
]
"""
SOLUTION = '''\
"""Two vectors, moved until their product is a number."""

import torch


def descend(x, num_steps=10, lr=0.1):
    """Move a and b. Returns (a, b), both of the length of x."""
    ### BEGIN SOLUTION
    n = len(x)
    a, b = torch.rand(n), torch.rand(n)
    for _ in range(num_steps):
        a -= lr * (a @ b - x[0]) * b
        b -= lr * (a @ b - x[0]) * a
    return a, b
    ### END SOLUTION
'''
CHECKS = '''\
"""Checks."""

import pytest
import torch


@pytest.mark.task("descend")
@pytest.mark.points({points})
@pytest.mark.hint("Step by step.")
def test_{name}(student):
    """descend makes its steps from its own start."""
    x = torch.tensor([{x}, 1.0, 3.0])
    a, b = student.descend(x, num_steps=1, lr=1e-30)
    assert torch.cat([a, b]).nan_to_num(0.0).max() <= 1, "a and b are not as torch.rand draws them"
    for _ in range(3):
        a = a - 0.2 * (a @ b - x[0]) * b
        b = b - 0.2 * (a @ b - x[0]) * a
    ends = student.descend(x, num_steps=3, lr=0.2)
    assert torch.allclose(ends[0], a, atol=1e-5), "a is not what three steps make"
    assert torch.allclose(ends[1], b, atol=1e-5), "b is not what three steps make"
'''
BANK = """\
# /// mistake
# title = "Both are zeros"
# hint = "What is returned?"
# fails = ["test_public_steps", "test_hidden_steps"]
# ///

import torch


def descend(x, num_steps=10, lr=0.1):
    return torch.full((len(x),), torch.nan), torch.zeros(len(x))
"""
# written by hand, in other words, b drawn first: b's step uses a as it was before its own step
OLD_VALUE = """
import torch

def descend(x, num_steps=10, lr=0.1):
    second = torch.rand(x.shape[0])
    first = torch.rand(x.shape[0])
    for step in range(num_steps):
        product = torch.dot(first, second) - x[0]
        before = first
        first = first - lr * product * second
        second = second - lr * (torch.dot(before, second) - x[0]) * before
    return first, second
"""
STRANGE = """
import torch

MORE = 1.37

def helper(a):
    return torch.sign(a) * a.abs() ** MORE

def descend(x, num_steps=10, lr=0.1):
    a, b = torch.rand(len(x)), torch.rand(len(x))
    for _ in range(num_steps):
        a = a - lr * helper(a @ b - x[0]) * b
        b = b - lr * (a @ b - x[0]) ** 3 * a
    return a, b

print(undefined_here)
"""


CLAMP = "    n = len(x)\n    x = x.clamp(min=-1.5)\n"
CLAMPED = SOLUTION.replace("    n = len(x)\n", CLAMP)  # of -2, which no rung has


@dataclass
class Making:
    """A small assignment with a ladder, its table as the command has made it; and what was made."""

    assignment: Assignment
    made: Made
    done: Done


@pytest.fixture(scope="module")
def making(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Making:
    folder = tmp_path_factory.mktemp("course") / "reference_solutions" / "descent"
    head = BANK.partition("import torch")[0].replace("test_public_steps", "test_hidden_steps")
    files = {
        "assignment.toml": TOML,
        "ladder.toml": LADDER,
        "solution.py": SOLUTION,
        "test_public.py": CHECKS.format(points=1, name="public_steps", x="2.0"),
        "test_hidden.py": CHECKS.format(points=1, name="hidden_steps", x="-2.0"),
        "mistakes/clamped.py": head + CLAMPED,
        "mistakes/zeros.py": BANK,
        "variants/with_names.py": SOLUTION.replace("a @ b", "torch.dot(a, b)"),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assignment, kept = read_assignment(folder), []

    def keeping(*given: Any) -> Made:
        kept.append(make(*given))
        return kept[-1]

    with warm(sandbox) as patch:
        patch.setattr(edits, "make", keeping)
        patch.setenv("AUTOGRADER_COURSE", str(assignment.course.root))
        done = CliRunner().invoke(app, ["edits", "descent"], prog_name="autograder")
    (made,) = kept
    return Making(assignment, made, done)


@pytest.fixture(scope="module")
def descent(making: Making) -> Assignment:
    return making.assignment


@pytest.fixture(scope="module")
def grader(descent: Assignment, sandbox: Sandbox) -> Grader:
    return Grader(descent, secret="", sandbox=sandbox)


def graded(grader: Grader, source: str) -> Result:
    return grader.run(Submission((Unit("statements", source, "1"),), ""))


def only(result: Result) -> Diagnosis:
    (diagnosis,) = result.diagnosis
    return diagnosis


def test_a_change_is_named_from_whatever_start_and_in_whatever_words(grader: Grader) -> None:
    told = only(graded(grader, OLD_VALUE))
    assert (told.how, told.mistake) == ("edit", "old_value")
    assert told.title == "B's step uses a as it was before its own step"
    assert told.group == ""


def test_the_smallest_example_is_told(grader: Grader) -> None:
    example = only(graded(grader, OLD_VALUE)).example
    assert example is not None
    assert example.call == "descend([1], num_steps=1, lr=0.5)"
    assert example.start.startswith("([0.")
    assert example.given != example.right


def test_a_known_mistake_comes_before_a_change(grader: Grader) -> None:
    told = only(graded(grader, BANK))
    assert (told.how, told.mistake) == ("bank", "zeros")


def test_a_known_mistake_that_the_ladder_does_not_show_is_named(grader: Grader) -> None:
    """It is right on every rung, and in what it makes of an argument that no rung has."""
    assert only(graded(grader, CLAMPED)).mistake == "clamped"


def test_right_answers_are_told_nothing(grader: Grader, descent: Assignment) -> None:
    for path in (descent.solution, *descent.variants):
        result = graded(grader, path.read_text(encoding="utf-8"))
        assert (result.score, result.diagnosis) == (2.0, ())


def test_what_nobody_can_name_is_grouped(grader: Grader) -> None:
    told = only(graded(grader, STRANGE))
    assert (told.mistake, told.how, told.title) == ("", "", "")
    drawn = "a, b = torch.rand(len(x)), torch.rand(len(x))"
    other = STRANGE.replace(drawn, "b, a = torch.rand(len(x)), torch.rand(len(x)).flip(0)")
    assert other != STRANGE
    assert told.group
    assert only(graded(grader, other)).group == told.group
    another = STRANGE.replace("1.37", "1.91")
    assert only(graded(grader, another)).group != told.group


def test_two_slips_are_told_one_at_least(grader: Grader) -> None:
    """One shows where x has several elements, the other where its first is negative: no single
    change explains all, and the one that explains most of it is said to be a part.
    """
    text = SOLUTION.replace("a @ b", "a * b").replace("x[0]", "x[0].abs()")
    told = only(graded(grader, text))
    assert (told.how, told.mistake) == ("part", "by_elements")
    assert told.title == (
        "At least this: a's step and b's step multiply element by element what should be a matrix "
        "product"
    )


def test_a_change_of_other_gradients_explains_a_part(
    grader: Grader, descent: Assignment, sandbox: Sandbox
) -> None:
    """The ladder has none: what the checks saw of them counts."""
    search, units = grader.search, [{"kind": "statements", "source": OLD_VALUE, "label": "1"}]
    rungs, found = search.known.ladder["descend"], []
    missed = {"test_public_steps", "test_hidden_steps"}
    with sandbox.open(descent.limits) as box:
        submission = Loaded.from_reply(box, box.load(units, ["descend"]), ["descend"])
        asked = ask(submission, rungs, descent.start)
        call = replace(rungs[0].call, differentiate=True)
        reply = submission.ask("descend", call.arguments, call.options, 0, differentiate=True)
        for gradients in (reply.gradients, (torch.ones(1),)):
            seen = replace(call, reply=replace(reply, gradients=gradients))
            answered = search.answered(sandbox, "descend", asked, [seen])
            assert answered is not None
            found.append(search.find(sandbox, "descend", answered, missed))
    whole, part = found
    assert (whole.how, part.how) == ("edit", "part")
    assert part.title.lower() == f"at least this: {whole.title.lower()}"


def test_two_common_changes_are_told_together(grader: Grader) -> None:
    """b's step uses a as it was, and a's goes uphill."""
    text = OLD_VALUE.replace("first - lr *", "first + lr *")
    told = only(graded(grader, text))
    assert told.how == "edit"
    assert "b's step uses a as it was before its own step" in told.title.lower()
    assert "wrong way" in told.title


def test_a_first_step_of_another_length_is_measured(grader: Grader) -> None:
    """No change has the number, and more is wrong in the second step."""
    text = SOLUTION.replace("a -= lr *", "a -= 1.37 * lr *").replace("n = len(x)", "n = x.numel()")
    told = only(graded(grader, text))
    assert (told.how, told.mistake) == ("part", "step_scaled")
    assert told.title == "At least this: the first step of a is 1.37 times as long as it should be"


def test_a_start_that_is_scaled_is_measured(grader: Grader) -> None:
    text = SOLUTION.replace("torch.rand(n), torch.rand(n)", "3 * torch.rand(n), 3 * torch.rand(n)")
    told = only(graded(grader, text))
    assert told.mistake in ("start_changed", "starts_scaled")
    assert "3 times what torch.rand draws" in told.title


def test_without_a_table_the_known_mistakes_are_named_alone(
    descent: Assignment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "load", lambda assignment: {})
    bare = Grader(descent, secret="", sandbox=sandbox)
    assert only(graded(bare, BANK)).mistake == "zeros"
    assert only(graded(bare, OLD_VALUE)).mistake == ""


def test_a_table_that_is_damaged_is_none(descent: Assignment) -> None:
    file = file_of(descent)
    whole = file.read_bytes()
    try:
        file.write_bytes(whole[: len(whole) // 2])
        assert tables.load(descent) == {}
    finally:
        file.write_bytes(whole)
    assert tables.load(descent).keys() == {"descend"}


def test_changed_words_make_no_new_table(descent: Assignment) -> None:
    assert digest(replace(descent, words={"a": "the first"})) == digest(descent)


def test_programs_that_do_not_end_are_left_out(making: Making) -> None:
    descent, made = making.assignment, making.made
    assert made.tried > 100
    assert made.right > 0
    known = made.table["descend"]
    rungs = read_ladder(descent)["descend"]
    assert known.sketches.hashes.shape == (known.groups.max() + 1, len(rungs), 2)
    assert "B's step uses a as it was before its own step" in page(descent, made)


def test_another_check_asks_changes_nothing_but_itself(
    descent: Assignment, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was measured on the other checks holds; the changed one is asked once, and kept."""
    secret, table = descent.course.secret(), tables.load(descent)
    known, before = table["descend"], Fails(descent, secret)
    assert before.is_measured
    first = before.measured["descend"]
    other = another_tolerance(descent, tmp_path, "test_hidden.py")
    after = Fails(other, secret)
    assert not after.is_measured
    holds = {group: names for group, names in first.items() if names == ["test_public_steps"]}
    assert after.measured["descend"] == holds
    assert 0 < len(holds) < len(first)
    right = next(int(group) for group, names in first.items() if not names)
    wrong = int(next(iter(holds)))
    asked: list[set[str]] = []
    grade = Search._graded

    def counted(search: Search, *given: Any) -> dict[str, bool]:
        asked.append(given[-1])
        return grade(search, *given)

    monkeypatch.setattr(Search, "_graded", counted)
    both = {"test_public_steps", "test_hidden_steps"}
    for expected in ([{"test_hidden_steps"}], []):
        search = Search(Known(other), secret)
        assert not search.fails_one_of(sandbox, "descend", known, right, both)
        assert search.fails_one_of(sandbox, "descend", known, wrong, both)
        assert asked == expected
        asked.clear()


def test_a_release_measures_what_another_check_has_left_open(
    descent: Assignment, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, secret = another_tolerance(descent, tmp_path, "test_hidden.py"), descent.course.secret()
    first = Fails(descent, secret).measured["descend"]
    ran: list[int] = []
    monkeypatch.setattr(measured, "answer_checks", lambda *_: None)
    grade = measured._graded

    def counted(*given: Any) -> Any:
        ran.extend(number for number, _ in given[4])
        return grade(*given)

    monkeypatch.setattr(measured, "_graded", counted)
    measured.measure(other, sandbox, tables.load(other), secret, 60.0)
    after = Fails(other, secret)
    assert after.is_measured
    assert after.measured["descend"] == first
    assert len(ran) == sum(names != ["test_public_steps"] for names in first.values())


def another_tolerance(assignment: Assignment, folder: Path, name: str) -> Assignment:
    """A copy of its course in which some of its checks are other ones, as tight as before."""
    shutil.copytree(assignment.course.root, folder, dirs_exist_ok=True)
    file = folder / "reference_solutions" / assignment.slug / name
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("atol=1e-5", "atol=1.5e-5"), encoding="utf-8")
    return read_assignment(file.parent)


def test_a_submission_is_learnt_and_told_when_its_words_are_written(
    descent: Assignment, sandbox: Sandbox, tmp_path: Path
) -> None:
    handed_in = tmp_path / "strange.py"
    handed_in.write_text(STRANGE, encoding="utf-8")
    file = learn(descent, handed_in, sandbox, name="learnt")
    try:
        assignment = read_assignment(descent.folder)
        learnt = next(one for one in assignment.mistakes if one.name == "learnt")
        assert learnt.fails == ("test_public_steps", "test_hidden_steps")
        with closing(Grader(assignment, secret="", sandbox=sandbox)) as unwritten:
            assert only(graded(unwritten, STRANGE)).mistake == ""
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(UNWRITTEN, "Here is"), encoding="utf-8")
        written = Grader(read_assignment(descent.folder), secret="", sandbox=sandbox)
        assert only(graded(written, STRANGE)).mistake == "learnt"
    finally:
        file.unlink()


def test_what_a_function_needs_is_taken_out_with_it() -> None:
    code = taken_out(["%matplotlib inline\n", STRANGE], "descend")
    assert "def helper" in code
    assert "MORE = 1.37" in code
    assert "undefined_here" not in code


NEEDS = """
%matplotlib inline
import torch, numpy as np
import matplotlib.pyplot as plt
torch.manual_seed(3)
START, SCALE = 0.0, 2.0
EPS: float = 1e-9
RATES = []
for rate in (0.5, 0.25):
    RATES.append(rate)
with torch.no_grad():
    WEIGHTS = torch.ones(2)
WEIGHTS[0] += START
if SCALE > 1:
    def helper(x): return "first"
def helper(x, factor=SCALE): return np.abs(factor * x)
UNUSED, a = helper(1), 2
plt.plot(a)
def descend(x):
    a = helper(x) + EPS * RATES[0]
    return [a + one for one in WEIGHTS]
"""


def test_all_that_makes_what_a_function_needs_is_taken_out() -> None:
    code = taken_out([NEEDS], "descend")
    names: dict[str, object] = {}
    exec(code, names)
    assert [float(one) for one in names["descend"](3.0)] == [7.0, 7.0]  # type: ignore[operator]
    assert not names.keys() & {"UNUSED", "a"}
    assert not re.search("first|manual_seed|plot\\(", code)


@pytest.mark.parametrize(
    ("handed_in", "name", "says"),
    [
        ("exec('ALL = 1.37')" + STRANGE.replace("** MORE", "** ALL"), "hidden", "ends otherwise ("),
        (STRANGE, "../variants/hidden", "is no name for a file"),
    ],
)
def test_a_mistake_that_would_be_another_one_is_not_written(
    descent: Assignment, sandbox: Sandbox, tmp_path: Path, handed_in: str, name: str, says: str
) -> None:
    file = tmp_path / "strange.py"
    file.write_text(handed_in, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        learn(descent, file, sandbox, name=name)
    assert says in str(caught.value)
    assert not list(descent.folder.rglob("hidden.py"))


@pytest.mark.parametrize(
    "deep", ["(" * 5000 + "1" + ")" * 5000, "-" * 3000 + "1", "1" + "+1" * 30_000]
)
def test_what_is_nested_too_deeply_is_refused_and_hinders_nothing_beside(deep: str) -> None:
    assert "def helper" in taken_out([f"x = {deep}", STRANGE], "descend")
    with pytest.raises(UsageError, match="descend is"):
        taken_out([f"def descend():\n    return {deep}"], "descend")


def test_the_command_writes_the_page(making: Making) -> None:
    assert making.done.exit_code == 0, making.done.stderr
    assert "edits.md" in making.done.stdout


def test_what_takes_long_to_make_is_told_meanwhile(
    descent: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []

    @contextmanager
    def progress(total: int, title: str) -> Iterator[Callable[..., None]]:
        told.append((total, title))
        yield lambda: told.append("one more")

    def table_of(one: Assignment, box: object, note: Callable[[str], None], again: bool) -> list:
        note("f: 3 programs behave in 2 ways")
        return []

    monkeypatch.setattr("autograder.report.progress", progress)
    monkeypatch.setattr("autograder.authoring.edits.table_of", table_of)
    monkeypatch.setattr(Sandbox, "start", nullcontext)
    assert list(make_edits([descent], again=True)) == []
    assert told == [(1, f"{descent.title}: what diagnosis compares with"), "one more"]


# --- one sentence for changes that behave alike ---------------------------------------------------


def told(kind: str, rank: float, title: str, place: str, *, vague: bool = False) -> Sentence:
    return Sentence(kind, rank, title, "Look.", vague, place)


LOOP = "The loop over epochs"
SHORT = told("loop_short", 1, f"{LOOP} stops one turn too early", LOOP)
LATE = told("loop_late", 1.5, f"{LOOP} leaves out its first turn", LOOP)
ROWS = told("dropped", 2, "The loop over rows is left out", "The loop over rows")
COLUMNS = told("dropped", 2, "The loop over columns is left out", "The loop over columns")
STEP = told("dropped", 2, "U's step is left out", "U's step")
HALF = told("half", 2, "U's step is half as large as it should be", "U's step")
OTHER = told("absolute", 2, "The error takes absolute values in place of squares", "The error")
FAR = told("name", 3.5, "V's step uses U where V belongs", "V's step")
VAGUE = told("fixed", 2, "What f computes has a fixed number", "", vague=True)


@pytest.mark.parametrize(
    ("alike", "title"),
    [
        ([SHORT], SHORT.title),
        ([SHORT, LATE], "The loop over epochs makes one turn too few"),
        ([ROWS, COLUMNS], "The loop over rows or the loop over columns is left out"),
        ([ROWS, STEP], "The loop over rows or U's step is left out"),
        ([STEP, HALF], "U's step is left out or is half as large as it should be"),
        ([STEP, OTHER], STEP.title),
        ([STEP, FAR], STEP.title),
        ([STEP, VAGUE], STEP.title),
    ],
)
def test_changes_that_behave_alike_are_told_by_what_they_have_in_common(
    alike: list[Sentence], title: str
) -> None:
    assert together(alike).title == title


def test_what_is_said_to_be_a_plain_number_is_nothing_else() -> None:
    """The mean stays a mean, and a record, which is a plain number, stays one of a mean."""
    text = "def f(A, h):\n    h.append((A ** 2).mean().item())\n    return ((A - 1) ** 2).mean()\n"
    tree = function_in(text, "f")
    assert tree is not None
    plain = [one for one in changes(text, "f") if one.kind == "a_plain_number" and not one.second]
    assert plain
    for one in plain:
        changed = source(tree, one, "f")
        assert "sum" not in changed


def test_what_has_nothing_in_common_is_told_beside() -> None:
    assert together([STEP, OTHER]).hint == (
        "Look. (The same would come of another slip: the error takes absolute values in place of "
        "squares.)"
    )
    assert together([STEP, FAR]).hint == "Look."


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (("a -= lr *", "a += lr *"), ""),
        (("range(num_steps)", "range(0)"), "Nothing is learnt: what is returned is the start"),
    ],
)
def test_an_effect_is_told_whatever_made_it(
    change: tuple[str, str], title: str, grader: Grader
) -> None:
    """With the change in the hint; no effect is told of what does something."""
    named = only(graded(grader, SOLUTION.replace(*change)))
    if title:
        assert (named.how, named.title) == ("edit", title)
        assert "It would come of this: " in named.hint
    else:
        assert named.title.startswith("A's step goes the wrong way or has a difference turned")


@pytest.mark.parametrize(
    ("results", "title"),
    [
        ([torch.zeros(2), torch.zeros(1)], "The results are all zeros"),
        ([torch.zeros(2), torch.ones(1)], "A's start is zeros"),
        ([], "A's start is zeros"),
    ],
)
def test_results_that_are_all_zeros_are_told_so(
    results: list[torch.Tensor], title: str, grader: Grader, descent: Assignment
) -> None:
    replies = [Reply("returned", {}, (result, [1.0])) for result in results]
    rungs = tuple(Rung("descend", (), {}) for _ in replies)
    asked = Asked(None, rungs, None, replies)  # type: ignore[arg-type]
    named = Diagnosis("descend", "starts_zeros", "A's start is zeros", "Look.", how="edit")
    assert told_by_effect(named, asked).title == title
    part = replace(named, how="part")
    assert told_by_effect(part, asked) == part


# --- what a student must not see ------------------------------------------------------------------


@pytest.mark.parametrize(
    "assignment", find_assignments(Course.find(ROOT)), ids=lambda one: one.slug
)
def test_no_sentence_shows_a_line_of_a_solution(assignment: Assignment) -> None:
    """Sentences are templates and words of the assignment's; neither is a statement of the answer,
    or an expression of more than one operation.
    """
    answers = [assignment.solution, *(base.path for base in assignment.edited)]
    fragments = {
        ast.unparse(node)
        for path in answers
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign | ast.AugAssign | ast.BinOp | ast.Call | ast.Return)
        and len(ast.unparse(node)) > 6
    }
    told = set()
    for path in answers:
        for function in read_ladder(assignment):
            for change in changes(path.read_text(encoding="utf-8"), function):
                one = sentence(change, assignment.words)
                told |= {one.title, one.hint}
    shown = [(text, part) for text in told for part in fragments if part in text]
    assert not shown, shown[:5]


@pytest.mark.parametrize(
    "assignment", find_assignments(Course.find(ROOT)), ids=lambda one: one.slug
)
def test_no_rung_is_an_input_of_a_hidden_check(assignment: Assignment) -> None:
    """Hidden inputs are drawn or written in test_hidden.py: no tensor of a rung with more than one
    element stands there.
    """
    hidden = "".join(assignment.checks[1].read_text(encoding="utf-8").split())
    for rungs in read_ladder(assignment).values():
        for rung in rungs:
            for value in rung.placed:
                if isinstance(value, torch.Tensor) and value.numel() > 3:
                    assert str(value.tolist()).replace(" ", "") not in hidden, rung.text


def test_a_table_holds_numbers_alone(descent: Assignment) -> None:
    with numpy.load(file_of(descent), allow_pickle=False) as arrays:
        kinds = {arrays[name].dtype.kind for name in arrays.files}
    assert kinds <= {"i", "f"}
    assert "BEGIN SOLUTION" not in file_of(descent).read_bytes().decode(errors="replace")


def test_every_kind_of_change_has_a_sentence() -> None:
    kinds = set()
    for assignment in find_assignments(Course.find(ROOT)):
        text = assignment.solution.read_text(encoding="utf-8")
        for function in assignment.functions:
            kinds |= {change.kind for change in changes(text, function)}
    assert kinds <= TEMPLATES.keys(), kinds - TEMPLATES.keys()


# --- laws -----------------------------------------------------------------------------------------


def test_changes_are_the_same_each_time_and_differ_from_the_answer() -> None:
    function = function_in(SOLUTION, "descend")
    assert function is not None
    once, again = changes(SOLUTION, "descend"), changes(SOLUTION, "descend")
    assert [(one.kind, one.places) for one in once] == [(one.kind, one.places) for one in again]
    plain = ast.unparse(function)
    made = 0
    for change in once:
        try:
            made += source(function, change, "descend") != plain
        except (ValueError, StopIteration):
            continue
    assert made > 0.9 * len(once)


numbers = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40)


@given(numbers, st.floats(-0.2, 0.2), st.integers(0, 39), st.floats(0.01, 10.0))
def test_sketches_are_alike_where_values_are(
    values: list[float], noise: float, place: int, change: float
) -> None:
    one = torch.tensor(values, dtype=torch.float64)
    size = max(float(one.abs().max()), 1e-3)
    near = one.clone()
    near[place % len(values)] += noise * TOLERANCE * size
    far = one.clone()
    far[place % len(values)] += change * size
    made = [Sketches.of([Reply("returned", {}, (value, [1.0, 2.0]))]) for value in (one, near, far)]
    assert made[0].alike(made[1]).all()
    assert not made[0].alike(made[2]).any()


def test_sketches_tell_kinds_apart_strictly_alone() -> None:
    tensor = Sketches.of([Reply("returned", {}, torch.tensor(2.0))])
    number = Sketches.of([Reply("returned", {}, 2.0)])
    assert tensor.alike(number).all()
    assert not tensor.alike(number, loosely=False).any()
    raised = Sketches.of([Reply("raised", {"type": "ValueError"})])
    assert not raised.alike(number).any()


# --- how changes are told -------------------------------------------------------------------------

WORDS = {
    "U": "U",
    "fit =": "the fit",
    "weights =": "the weights of U",
    "in (U * 2).mean()": "the penalty on U",
    "setting =": "setting the gradients to zero",
    "momentum=momentum": "the momentum",
}


@pytest.mark.parametrize(
    ("kind", "about", "places", "around", "title"),
    [
        ("twice", "", ("fit = U",), (), "The fit is twice as large as it should be"),
        ("twice", "", ("fit = U",), (("U * 2", "(U * 2).mean()"),), "The penalty on U is twice as"),
        ("dropped", "", ("weights = U",), (), "The weights of U are left out"),
        ("dropped", "", ("setting = U",), (), "Setting the gradients to zero is left out"),
        ("half", "", ("fit = U", "weights = U"), (), "The fit and the weights of U are half as"),
        ("transposed", "U", ("fit = U",), (), "The fit takes the transpose of U"),
        ("transposed", "U.T", ("fit = U.T",), (), "The fit leaves out a transpose"),
        ("without", "momentum=momentum", ("fit = U",), (), "The fit lacks the momentum"),
        ("switched", "requires_grad=True", ("fit = U",), (), "The fit lacks the request for"),
        ("unfinished", "mean", ("fit = U",), (), "The fit leaves out the mean"),
        ("old_value", "U", ("fit = U",), (), "The fit uses U as it was one step before"),
    ],
)
def test_a_sentence_goes_with_what_it_is_about(
    kind: str, about: str, places: tuple[str, ...], around: tuple, title: str
) -> None:
    """Its verb, and the nearest part around the change that has a word for it."""
    change = Change("f", kind, about, "", places, (), around=around)
    assert sentence(change, WORDS).title.startswith(title)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A is transposed", "A is transposed"),
        ("A hidden element counts", "a hidden element counts"),
        ("U's step is left out", "U's step is left out"),
        ("The fit is left out", "the fit is left out"),
    ],
)
def test_a_name_keeps_its_capital(text: str, told: str) -> None:
    assert lowered(text) == told


# --- many calls at once ---------------------------------------------------------------------------


def test_many_calls_cross_the_line_at_once_however_deep_a_value_lies() -> None:
    """Each as it would by itself; what does not cross is told, and asked alone."""

    def deep(x: torch.Tensor) -> tuple:
        return x, [x.tolist(), [1.0]], list(range(20))

    def deeper(x: torch.Tensor) -> list:
        return [[[[[[x]]]]]]

    def endless(x: torch.Tensor) -> None:
        while True:
            pass

    namespace = {one.__name__: one for one in (deep, deeper, endless)}
    x = torch.ones(2, 2)
    calls = [[[name, [x], [], []] for name in ("deep", "deeper", "endless", "missing", "deep")]]
    before = signal.getsignal(signal.SIGVTALRM)
    try:
        made = many.answers(namespace, 0.02, 0, calls)
    finally:
        signal.signal(signal.SIGVTALRM, before)
    told = crossed(Reply("returned", {}, made), 5)
    assert told is not None
    first, nothing, never, error, last = told
    assert nothing is None
    assert never == ()
    assert error is not None and error[0].header == {"type": "KeyError"}
    for one in (first, last):
        assert one is not None
        assert one[0].value[1:] == ([[[1.0, 1.0], [1.0, 1.0]], [1.0]], list(range(20)))
        assert torch.equal(one[0].arguments[0], x)
    assert crossed(Reply("returned", {}, made), 4) is None
    assert crossed(Reply("returned", {}, made[:-9]), 5) is None
    assert crossed(Reply("died", {}), 5) is None


# --- from the solution's start --------------------------------------------------------------------


@given(st.permutations(range(5)), st.sets(st.integers(0, 4), max_size=5))
def test_what_is_handed_out_puts_a_function_where_it_should_start(
    order: list[int], fixed: set[int]
) -> None:
    """Whatever the order in which it uses what it draws, and whatever it sets beside; not where it
    sets everything.
    """

    def starts(drawn: torch.Tensor) -> torch.Tensor:
        made = drawn[order].clone()
        made[sorted(fixed)] = 0.0
        return made

    own, handed, wanted = (
        torch.tensor([0.11, 0.23, 0.37, 0.53, 0.71]) + shift for shift in (0.0, 0.05, 0.1)
    )
    found = _inverted([starts(own)], [handed], [starts(handed)], [wanted])
    if len(fixed) == 5:
        assert found is None
        return
    assert found is not None
    ends = starts(torch.from_numpy(found).float())
    free = [place for place in range(5) if place not in fixed]
    assert torch.allclose(ends[free], wanted[free])
