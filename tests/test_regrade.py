"""A class graded before is graded again as far as something has changed, and no result differs from
that of a full regrade.
"""

from __future__ import annotations

import ast
import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import click.testing
import pytest
import tiny_course
import torch

from autograder import environment
from autograder.assignment import read_assignment
from autograder.grading import grader as grading
from autograder.grading.decided import Decided, digests_of
from autograder.grading.grader import Grader
from autograder.grading.known import key_of
from autograder.grading.replies import MOST_BYTES, Replies
from autograder.grading.store import Store
from autograder.grading.student import Recorded
from autograder.grading.submission import find, read
from autograder.grading.workers import grade_class
from autograder.results import Result
from autograder.sandbox.box import Box, Reply
from autograder.sandbox.process import Sandbox
from autograder.sandbox.wire import TorchFunction

SLUG = tiny_course.SLUG
Command = Callable[..., click.testing.Result]
CLASS = {
    "right": tiny_course.VARIANT,
    "thirds": "def halve(x):\n    return x / 3\n\n\ndef total(x):\n    return x.sum()\n",
    "zeros": "import torch\ndef halve(x):\n    return 0 * x\ndef total(x):\n    return torch.zeros(())\n",
    "in-place": "def halve(x):\n    x /= 2\n    return x\n\n\ndef total(x):\n    return x.sum()\n",
    "first": "def halve(x):\n    return x / 2\n\n\ndef total(x):\n    return x[0]\n",
    "raises": "def halve(x):\n    raise ValueError('no')\n",
}
ALL = 6  # checks of the tiny course
Needed = tuple[int, bool]  # checks that are run, and whether the submission is loaded for it
NOTHING: dict[str, Needed] = dict.fromkeys(CLASS, (0, False))
EVERYTHING: dict[str, Needed] = dict.fromkeys(CLASS, (ALL, True))
# what is edited: file, old, new; and what each of CLASS then needs: where a change leaves calls as
# they were, they are not made; what a diagnosis hangs on is run once more, from what is kept
EDITS: dict[str, tuple[list[tuple[str, str, str]], dict[str, Needed]]] = {
    "points": (
        [("test_hidden.py", "points(0.5)", "points(0.25)"), ("assignment.toml", "1.5", "1.25")],
        NOTHING,
    ),
    "points that do not add up": (  # told of each, and no point is taken in silence
        [("assignment.toml", "1.5", "1.25")],
        dict.fromkeys(CLASS, (0, True)),
    ),
    "words": (
        [
            ("test_hidden.py", "Every element counts.", "Does every element count?"),
            ("test_public.py", "halve does not change x.", "halve leaves x alone."),
        ],
        NOTHING,
    ),
    "a comment": (
        [("test_hidden.py", "    A = draw", "    # any\n    A = draw")],
        NOTHING,
    ),
    "the inputs of a check of total": (
        [("test_hidden.py", "draw.uniform(5)", "draw.uniform(1)")],
        dict.fromkeys(CLASS, (1, True))
        | {"zeros": (1 + 3, True), "first": (1 + 3, True), "raises": (1, False)},
    ),
    "a tolerance that moves nobody": (
        [("test_hidden.py", "1e-6", "2e-6")],
        # nobody knows what raises; a change of the right answer could fail the check of today
        dict.fromkeys(CLASS, (1, False)) | {"raises": (1 + 3, True)},
    ),
    "a tolerance that some mind": (
        [("test_hidden.py", "A / 2, 1e-6", "A / 2, 0.4")],
        dict.fromkeys(CLASS, (1, False)) | {"thirds": (1 + 3, True), "raises": (1 + 3, True)},
    ),
    "one call more": (
        [
            (
                "test_hidden.py",
                "    close(student.total(x)",
                "    student.total(x + 1)\n    close(student.total(x)",
            )
        ],
        dict.fromkeys(CLASS, (1, True))
        | {"zeros": (1 + 3, True), "first": (1 + 3, True), "raises": (1, False)},
    ),
    "a word in several checks": (
        [("test_public.py", 'expected a tensor"', 'expected a torch.Tensor"')],
        dict.fromkeys(CLASS, (3, False)) | {"first": (3 + 4, True), "raises": (3 + 6, True)},
    ),
    "a new check": (
        [
            (
                "test_hidden.py",
                '@pytest.mark.task("total")',
                '@pytest.mark.task("total")\n@pytest.mark.points(0.1)\n@pytest.mark.hint("One.")\n'
                "def test_total_of_one(student, draw):\n"
                '    """total of one number is that number."""\n'
                "    x = draw.uniform(1)\n"
                '    close(student.total(x), x.sum(), 1e-5, "no")\n\n\n@pytest.mark.task("total")',
            ),
            ("test_hidden.py", "points(0.5)", "points(0.4)"),
        ],
        # where a second function loses points too, its diagnosis may hang on what is new: all again
        dict.fromkeys(CLASS, (1, True))
        | {"zeros": (1 + 4 + 7, True), "first": (1 + 4, True), "raises": (1 + 4 + 7, True)},
    ),
    "a mistake": (
        [("mistakes/thirds.py", "Divides by three, of all numbers", "Thirds")],
        dict.fromkeys(CLASS, (3, True))
        | {"right": (0, False), "zeros": (ALL, True), "raises": (ALL, True)},
    ),
    "a higher limit": (
        [("assignment.toml", "[functions]", "[limits]\ncall_cpu_seconds = 11\n\n[functions]")],
        EVERYTHING | {"right": (0, False)},
    ),
    "a lower limit": (
        [("assignment.toml", "[functions]", "[limits]\ncall_cpu_seconds = 9\n\n[functions]")],
        EVERYTHING,
    ),
    "the solution": (
        [("solution.py", "scaled_copy", "scaled")],
        EVERYTHING,
    ),
}


@dataclass
class Term:
    """A course whose class was graded once."""

    course: Path
    sandbox: Sandbox
    before: dict[str, Result] = field(default_factory=dict)

    def grade(self, *, fresh: bool) -> dict[str, Result]:
        """The class, from what was kept or anew, by student."""
        assignment = read_assignment(self.course / "reference_solutions" / SLUG)
        grader = Grader(assignment, "secret", sandbox=self.sandbox)
        store = None if fresh else Store(self.course / "results", grader)
        grader.store = store
        found = find(self.course / "course" / "submitted", SLUG)
        return {str(one.student): one for one in grade_class(grader, found, 1, store=store)}

    def edit(self, changes: list[tuple[str, str, str]]) -> None:
        for name, old, new in changes:
            file = self.course / "reference_solutions" / SLUG / name
            text = file.read_text(encoding="utf-8")
            assert old in text, f"{name} has no {old!r}"
            file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def term(tmp_path: Path, sandbox: Sandbox) -> Term:
    tiny_course.write(tmp_path)
    for name, text in CLASS.items():
        folder = tmp_path / "course" / "submitted" / name / SLUG
        folder.mkdir(parents=True)
        (folder / f"{SLUG}.py").write_text(text, encoding="utf-8")
    term = Term(tmp_path, sandbox)
    term.before = term.grade(fresh=False)
    return term


def timeless(result: Result) -> dict:
    told = result.to_json()
    checks = [{**check, "seconds": 0} for check in told["tests"]]
    return {**told, "tests": checks, "seconds": 0}


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", EDITS)
def test_only_what_a_change_touches_is_run_and_the_results_are_those_of_a_full_regrade(
    term: Term, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    changes, expected = EDITS[name]
    term.edit(changes)
    ran: dict[str, int] = {}
    real = grading.run_checks

    def counted(assignment, student, secret, **options):  # type: ignore[no-untyped-def]
        checks = real(assignment, student, secret, **options)
        ran[current[-1]] = ran.get(current[-1], 0) + len(checks)
        return checks

    current: list[str] = []
    again = Grader.grade

    def noted(self, found, submission=None):  # type: ignore[no-untyped-def]
        current.append(found.student)
        return again(self, found, submission)

    loads: set[str] = set()
    load = Box.load

    def loaded(*given, **more):  # type: ignore[no-untyped-def]
        loads.add(current[-1])
        return load(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(grading, "run_checks", counted)
        patch.setattr(Grader, "grade", noted)
        patch.setattr(Box, "load", loaded)
        if expected == NOTHING:
            patch.setattr(Grader, "warm", None)  # nothing is started
        partly = term.grade(fresh=False)
    assert {one: (ran.get(one, 0), one in loads) for one in CLASS} == expected
    assert_alike(partly, term.grade(fresh=True))


def assert_alike(some: dict[str, Result], others: dict[str, Result]) -> None:
    """Two gradings of a class are the same but for the time they took."""
    told = [{one: timeless(graded) for one, graded in all_.items()} for all_ in (some, others)]
    assert told[0] == told[1]


def test_changes_that_follow_each_other_give_what_full_regrades_give(term: Term) -> None:
    """Also one that is taken back, and one of a check that was run on kept answers before."""
    inputs, tolerance = ("draw.uniform(5)", "draw.uniform(1)"), ("1e-6", "0.4")
    for old, new in (inputs, tolerance, inputs[::-1], ("0.4", "1e-7"), inputs):
        term.edit([("test_hidden.py", old, new)])
        assert_alike(term.grade(fresh=False), term.grade(fresh=True))


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut short": cut,
    "empty": lambda data: b"",
    "no frames": lambda data: b"\xff" * len(data),
    # as where the machine stops between what was answered and the result
    "of other checks": lambda data: data.replace(b'"made_by": {"', b'"made_by": {"x'),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_answers_that_cannot_be_used_are_asked_again(term: Term, how: str) -> None:
    files = sorted(term.course.rglob("replies/*.frames"))
    assert len(files) == len(CLASS)
    for file in files:
        file.write_bytes(DAMAGE[how](file.read_bytes()))
    term.edit([("test_hidden.py", "draw.uniform(5)", "draw.uniform(1)")])
    assert_alike(term.grade(fresh=False), term.grade(fresh=True))


def test_what_was_answered_is_for_the_owner_alone(term: Term) -> None:
    """It holds the inputs of hidden checks."""
    (folder,) = term.course.rglob("replies")
    assert folder.stat().st_mode & 0o077 == 0


def test_the_command_says_whose_points_moved_by_which_check_and_a_dry_run_keeps_nothing(
    term: Term, command: Command
) -> None:
    quiet = ("grade", SLUG, "--no-table", "--no-preflight", "--diff")
    said = command(term.course, *quiet)
    assert said.exit_code == 0
    assert "0 of 6 submissions have other points than before; 6 had none yet" in said.stdout
    kind = "call.arguments[0].tolist() == [2.0, 4.0]"
    term.edit([("test_public.py", kind, "call is not None")])
    files = contents(term.course)
    for dry in (True, False):
        said = command(term.course, *quiet, *(["--dry-run"] if dry else []))
        assert said.exit_code == 0
        lines = said.stdout.splitlines()
        assert lines[0].startswith("in-place: ")
        assert "(+0.4): test_halve_leaves_its_argument +0.4 (failed -> passed)" in lines[0]
        assert "test_halve_leaves_its_argument: 1 gained, 0 lost, +0.4 points together" in lines
        assert lines[-1] == "1 of 6 submissions have other points than before"
        if dry:
            assert contents(term.course) == files
    said = command(term.course, *quiet)
    assert said.stdout.splitlines() == ["0 of 6 submissions have other points than before"]
    term.edit([("assignment.toml", "halve = 3", "halve = 4")])
    said = command(term.course, *quiet, "--dry-run")
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.count("gives halve 4 points, and its checks add up to 3") == 1


def contents(folder: Path) -> dict[Path, bytes]:
    """All files, but for those that Python compiles checks into."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if path.suffix != ".pyc"}


SHARED = '''
"""About the file."""
import pytest
from math import sqrt, pi
LIMIT = 3
def helper(x): return other(x) + LIMIT
def other(x): return sqrt(x)
@pytest.fixture
def given(): return pi
@pytest.mark.points(2)
def test_a(student): """Says."""; assert helper(student.f())
@pytest.mark.points(1)
def test_b(student, given): assert student.f() == given
@pytest.mark.usefixtures("given")
def test_c(student): assert student.f()
class TestMore:
    def test_d(self, student): assert student.f()
'''


@pytest.mark.parametrize(
    ("old", "new", "touched"),
    [
        ("LIMIT = 3", "LIMIT = 4", "a"),
        ("return sqrt(x)", "return sqrt(2 * x)", "a"),
        ("return pi", "return 2 * pi", "bc"),
        ("points(2)", "points(7)", ""),
        ("Says", "Tells", ""),
        ("About", "Of", ""),
        ("import pytest", "import pytest  # x", ""),
        ("import pytest", "import pytest\nprint()", "abcd"),
        ("import pytest", "import pytest\nfrom os import *", "abcd"),
        ("@pytest.fixture\n", "@pytest.fixture(autouse=True)\n", "abcd"),
        ("assert student.f()\nclass", "assert not student.f()\nclass", "c"),
        ("def test_d(self, student): assert", "def test_d(self, student): assert not", "d"),
    ],
)
def test_a_check_depends_on_what_its_code_names(old: str, new: str, touched: str) -> None:
    assert old in SHARED
    before = digests_of(ast.parse(SHARED), "test_public.py")
    after = digests_of(ast.parse(SHARED.replace(old, new)), "test_public.py")
    assert before.keys() == {"test_a", "test_b", "test_c", "test_d"}
    assert {name[-1] for name in before if before[name] != after[name]} == set(touched)


@pytest.mark.parametrize(
    "text", ["if True:\n    BOUND = {}\n", "pytestmark = [{}]\n", "def setup_module(): x = {}\n"]
)
def test_a_check_depends_on_what_decides_without_being_named(text: str) -> None:
    """First in a file that has no docstring, too."""
    check = "def test_a(student):\n    pass\n"
    some, others = (digests_of(ast.parse(text.format(n) + check), "test_public.py") for n in "12")
    assert some != others


# what a file does when it is imported, and what a check that names none of it meets
ACTS = {
    "a draw": "A = torch.rand({}, 3)\nB = torch.rand(3)\n",
    "a draw in a default": "def a(x=torch.rand({})): pass\nB = torch.rand(3)\n",
    "a draw for a check": "@pytest.mark.parametrize('x', [torch.rand({})])\ndef test_x(x): pass\n",
    "a decorator": "B = []\ndef kept(f): B.append(f)\n@kept\ndef one(): return {}\n",
    "a call": "B = dict(a=1)\n_ = B.update(a={})\n",
    "another name": "B = A = []\nA += [{}]\n",
    "an own list": "B = [1]\ndef list(x): B.append(x)\nA = list({})\n",
    "a base": "class T:\n  def __init_subclass__(c): B.append(c)\nclass S(T):\n  value = {}\nB = []\n",
    "a class": "B = []\nclass A:\n  b = B.append({})\n",
    "an assignment in one": "A = (B := {})\n",
}
# what gives a value and does nothing else
GIVES = (
    "A = torch.tensor([{}])\n",
    "A = (torch.arange({}) % 5).reshape(1, -1)\n",
    "A = {{'a': lambda x: torch.rand({})}}\n",
    "def a(x=[1], y=len('a')): return torch.rand({})\n",
    "@remembered\ndef a(): return torch.rand({})\n",
    "@dataclass(frozen=True)\nclass A:\n  b: int = {}\n  def c(self): return torch.rand(1)\n",
    "@pytest.mark.parametrize('x', range({}))\ndef test_x(x): pass\n",
)


@pytest.mark.parametrize("text", [*ACTS.values(), *GIVES], ids=[*ACTS, *range(len(GIVES))])
def test_a_check_depends_on_what_its_file_does(text: str) -> None:
    check = "def test_b(student): assert student.f(B)\n"
    some, others = (digests_of(ast.parse(text.format(n) + check), "test_public.py") for n in "12")
    assert (some["test_b"] != others["test_b"]) == (text in ACTS.values())


@pytest.mark.parametrize(
    "place", ["data/runs.json", "helpers.py", "properties.py", "variants/other.py", "ladder.toml"]
)
def test_a_file_that_decides_a_result_makes_another_of_it(term: Term, place: str) -> None:
    """Also where it is new, or decides no point but what is told of a mistake."""
    folder = term.course / "reference_solutions" / SLUG
    submission = read(term.course / "course" / "submitted" / "right" / SLUG / f"{SLUG}.py")
    keys = set()
    for text in ("", "1\n", "2\n"):
        if text:
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / place).write_text(text, encoding="utf-8")
        store = Store(term.course / "results", Grader(read_assignment(folder), "secret"))
        keys.add(store.file(submission))
    assert len(keys) == 3


def test_another_version_of_what_submissions_import_makes_other_results(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = term.course / "reference_solutions" / SLUG
    told = []

    def note() -> None:
        told.append((read_assignment(folder).digest, Decided.of(read_assignment(folder)).shared))

    note()
    (term.course / "course.toml").write_text('packages = ["nothing-of-this-name"]\n', "utf-8")
    note()
    monkeypatch.setattr(environment, "version_of", lambda name: "1.0")
    note()
    assert [len(set(column)) for column in zip(*told, strict=True)] == [3, 3]


def test_nothing_is_kept_of_a_class_under_which_the_checks_change(term: Term) -> None:
    """It would lie under the name of the checks that were."""
    assignment = read_assignment(term.course / "reference_solutions" / SLUG)
    grader = Grader(assignment, "other", sandbox=term.sandbox)
    store = Store(term.course / "elsewhere", grader)
    found = find(term.course / "course" / "submitted", SLUG)
    results = grade_class(grader, found, 1, store=store)
    next(results)
    term.edit([("test_hidden.py", "1e-6", "1e-7")])
    assert len(list(results)) == len(CLASS) - 1
    assert not store.whole
    assert len(list((term.course / "elsewhere").rglob("*.json"))) < len(CLASS)


def test_to_grade_again_leaves_no_answers_of_before(term: Term) -> None:
    """What could not be imported then, and can now, is not what a corrected check judges by."""
    assignment = read_assignment(term.course / "reference_solutions" / SLUG)
    (file, *_) = sorted(term.course.rglob("replies/*.frames"))
    store = Store(term.course / "results", Grader(assignment, "secret"))
    answers = file.read_bytes()
    found = next(one for one in find(term.course / "course" / "submitted", SLUG) if one.student)
    kept = store.replies_file(read(found.path))
    result = term.before[str(found.student)]
    for replies, then in ((None, True), (b"", False), (answers, True)):
        store.put(read(found.path), replace(result, replies=replies))
        assert kept.exists() == then


def test_a_call_that_a_check_repeats_is_made_again() -> None:
    """Whoever answers the same call in two ways is found where results are kept, too; each answer
    is kept, and is there for another check that makes the call once.
    """
    replies = answered({"outcome": "raised", "type": "A"})
    call = Recorded("f", (1,), {}, 0, False, 1, Reply("", {}))
    assert replies.recall(call) is None
    replies.note(({"outcome": "raised", "type": "B"}, b""))
    back = Replies.from_bytes(replies.to_bytes({"test_a": "x"}, "valid"), "valid")
    for one in (replies, back):
        assert one is not None
        for check, types in (("test_a", "AB"), ("test_b", "A")):
            one.begin(check)
            told = [one.recall(call) for _ in types]
            assert [reply.header["type"] for reply in told if reply is not None] == list(types)


def test_every_argument_that_crosses_the_line_has_a_fingerprint() -> None:
    """Functions of torch too, by their names: an address says nothing in another process."""
    x, nothing = torch.ones(2), Reply("returned", {})
    arguments = [x, x.double(), torch.sin, torch.cos, [x, torch.exp], (x, torch.exp), None]
    arguments += [1, 1.0, True, "1", 0.0, -0.0, float("nan"), [], ()]
    keys = [key_of(Recorded("f", (one,), {}, 0, False, 1, nothing)) for one in arguments]
    assert len(set(keys)) == len(arguments)
    named = Recorded("f", (TorchFunction("sin"),), {}, 0, False, 1, nothing)
    assert key_of(named) == keys[2]


def test_a_class_of_results_holds_what_they_have_in_common_once(term: Term) -> None:
    """Whether they come from the store or from another process; and they stay what they are."""
    apart = [pickle.loads(pickle.dumps(term.before[one])) for one in ("thirds", "thirds")]
    told = [json.loads(result.dumps()) for result in apart]
    both = [result.shared() for result in apart]
    for results in (both, list(map(Result.from_json, told))):
        assert [json.loads(result.dumps()) for result in results] == told
        one, other = (result.tests[0] for result in results)
        assert one.title is other.title and one.name is other.name
        assert results[0].diagnosis[0].hint is results[1].diagnosis[0].hint


def answered(header: dict, payload: bytes = b"") -> Replies:
    """One call of one check, answered so."""
    replies = Replies({"outcome": "loaded"})
    call = Recorded("f", (1,), {}, 0, False, 1, Reply("", {}))
    replies.begin("test_a")
    assert replies.recall(call) is None
    replies.note((header, payload))
    return replies


def test_what_a_submission_writes_into_its_answers_costs_no_grading() -> None:
    """Nested as deep as can be read, or too large: nothing is kept. A name of ours is ours."""
    deep: dict = {}
    for _ in range(sys.getrecursionlimit()):
        deep = {"a": deep}
    for header in (deep, {"outcome": "returned", "a": "x" * MOST_BYTES}):
        assert answered(header).to_bytes({"test_a": "0"}, "v") == b""
    assert not answered({"outcome": "returned"}, bytes(MOST_BYTES + 1)).whole
    assert not answered({"outcome": "returned", "a": "x" * MOST_BYTES}).whole
    told = answered({"outcome": "returned", "value": 3, "key": "mine", "valid": "no"})
    data = told.to_bytes({"test_a": "0"}, "v")
    kept = Replies.from_bytes(data, "v")
    assert kept is not None and kept.calls == told.calls and not kept.new
    assert Replies.from_bytes(data, "w") is None
    kept.begin("test_a")
    reply = kept.recall(Recorded("f", (1,), {}, 0, False, 1, Reply("", {})))
    assert reply is not None and reply.value == 3
    assert kept.recall(Recorded("f", (2,), {}, 0, False, 1, Reply("", {}))) is None
