"""The smallest example that fails: the notebook's and the grader's are the same, what is released
for it is what right answers give, and right answers have the properties that stand for it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import ROOT

from autograder.assignment import Assignment, find_assignments, read_assignment
from autograder.authoring import released_ladder
from autograder.authoring.leaks import guard, staff_lines
from autograder.authoring.student_kit import kit_ladder, kit_student
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.grading import smallest
from autograder.grading.alike import alike
from autograder.grading.example import ask, smallest_example
from autograder.grading.known import Known
from autograder.grading.ladder import read_ladder
from autograder.grading.student import Loaded
from autograder.results import Example
from autograder.sandbox.box import Reply
from autograder.sandbox.inside.starts import started_from
from autograder.sandbox.process import Sandbox
from autograder.sandbox.wire import Opaque

ASSIGNMENTS = {one.slug: one for one in find_assignments(Course.find(ROOT))}
DRAWN_FIRST = """
def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    V = torch.rand(A.shape[1], rank)
    U = torch.rand(A.shape[0], rank)
    for _ in range(num_epochs):
        U += lr * (A - U @ V.T) @ V
        V += lr * (A - U @ V.T).T @ U
    return U, V
"""
ELSEWHERE = """
def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    U = torch.rand(A.shape[0], rank).flip(0)
    V = torch.rand(A.shape[1], rank)
    for _ in range(num_epochs):
        for c in range(A.shape[1]):
            for r in reversed(range(A.shape[0])):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V
"""
UNWELL = """
def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    U, V = torch.rand(A.shape[0], rank), torch.rand(A.shape[1], rank)
    {body}
    return U, V
"""
SUBMISSIONS = {
    "another order of the whole": ("sgd_factorisation", DRAWN_FIRST),
    "an argument is changed": ("sgd_factorisation", UNWELL.format(body="A *= 2")),
    "it raises": ("sgd_factorisation", UNWELL.format(body="raise KeyError('k')")),
    "whole numbers": ("sgd_factorisation", UNWELL.format(body="return U.long(), V.long()")),
    "nothing comes back": ("sgd_factorisation", UNWELL.format(body="return None")),
    "a plain number": (
        "gd_factorisation",
        "def criterion(A, B): return ((A - B) ** 2).sum().item()",
    ),
    "nothing is raised": (
        "gd_inverse",
        "def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):\n"
        "    return torch.linalg.pinv(M), [0.0] * num_iterations",
    ),
    "a list for a vector": (
        "tensors_and_autograd",
        "def elementwise_derivative(f, x): return torch.ones(len(x)).tolist()",
    ),
    "a derivative too many": (
        "tensors_and_autograd",
        "def partial_derivatives(x, y): return torch.tensor(y ** 5), torch.tensor(5 * x * y)",
    ),
}
BANK = {
    "gd_factorisation": ("loss_after_the_step", "f_sees_the_new_c", "starts_from_ones"),
    "gd_inverse": ("sum_for_mean", "no_momentum", "seed_set_inside"),
    "gd_svd": ("full_u", "order_not_settled", "library_svd", "normal_start", "signs_dropped"),
    "sgd_factorisation": ("old_u_in_v_update", "starts_from_small_numbers", "loss_is_the_mean"),
}


def sources() -> Iterator[tuple[str, str, str]]:
    """Name, assignment and source of what is compared."""
    for name, (slug, text) in SUBMISSIONS.items():
        yield name, slug, text
    for slug, names in BANK.items():
        for mistake in ASSIGNMENTS[slug].mistakes:
            if mistake.name in names:
                yield f"{slug}: {mistake.name}", slug, mistake.path.read_text(encoding="utf-8")


@contextmanager
def loaded(assignment: Assignment, text: str, sandbox: Sandbox) -> Iterator[Loaded]:
    """A submission behind the line: a text after the solution."""
    solution = assignment.solution.read_text(encoding="utf-8")
    units = [{"kind": "statements", "source": one, "label": "1"} for one in (solution, text)]
    names = list(assignment.functions)
    with sandbox.open(assignment.limits) as box:
        yield Loaded.from_reply(box, box.load(units, names), names)


def in_a_notebook(assignment: Assignment, text: str) -> kit_student.Student:
    """The same where students work."""
    namespace: dict = {"__name__": "mine"}
    exec(assignment.solution.read_text(encoding="utf-8") + "\nimport torch\n" + text, namespace)
    return kit_student.Student(namespace)


@pytest.fixture(scope="module")
def known() -> dict[str, Known]:
    return {slug: Known(assignment) for slug, assignment in ASSIGNMENTS.items()}


REFUSING = ("f(x) returned a float; expected a torch.Tensor",)


def examples(
    known: Known, text: str, sandbox: Sandbox, messages: tuple[str, ...] = REFUSING
) -> dict[str, list[Example | None]]:
    """The grader's and the kit's smallest example of each function that has one, where checks say
    these messages.
    """
    assignment, found = known.assignment, {}
    student = in_a_notebook(assignment, text)
    with loaded(assignment, text, sandbox) as submission:
        for function, rungs in known.ladder.items():
            asked = ask(submission, [rung for rung in rungs if not rung.long], assignment.start)
            theirs = smallest_example(known, sandbox, asked, smallest.refuse_kinds(messages))
            with kit_student.clean_state():
                ours = kit_ladder.smallest_example(assignment.released, student, function, messages)
            if theirs or ours:
                found[function] = [theirs, ours and Example(*ours)]
    return found


@pytest.mark.parametrize("name", [name for name, _, _ in sources()])
def test_the_notebook_shows_what_the_grader_shows(
    name: str, known: dict[str, Known], sandbox: Sandbox
) -> None:
    slug, text = next((slug, text) for one, slug, text in sources() if one == name)
    found = examples(known[slug], text, sandbox)
    assert found
    for theirs, ours in found.values():
        assert theirs is not None
        assert replace(theirs, given=without_place(theirs.given)) == ours


INVERSE = """
def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n, m = M.shape
    if n != m:
        raise ValueError
    {first}
    X, velocity, losses = torch.rand(n, n), torch.zeros(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        losses.append({loss})
        velocity = momentum * velocity + 2 * {gradient} / n**2
        X = X - lr * velocity
    return X, losses
"""
PARTIALS = "def partial_derivatives(x, y): return y**5, 5 * x * y**4"
MEAN = "(R**2).mean()"


@pytest.mark.parametrize("messages", [(), REFUSING], ids=["whatever kind", "of one kind"])
def test_a_kind_that_checks_take_is_not_said_to_be_wrong(
    messages: tuple[str, ...], known: dict[str, Known], sandbox: Sandbox
) -> None:
    """Tensors in a history are numbers, and who agrees with one right answer is not held against
    another.
    """
    source = INVERSE.format(first="", loss=MEAN, gradient="R @ M.T")
    assert examples(known["gd_inverse"], source, sandbox, messages) == {}


def test_a_kind_is_told_where_a_check_refuses_it(known: dict[str, Known], sandbox: Sandbox) -> None:
    one = known["tensors_and_autograd"]
    assert examples(one, PARTIALS, sandbox, ("dz_dy is wrong: 80, and 92.1 is right",)) == {}
    (pair,) = examples(one, PARTIALS, sandbox).values()
    for example in pair:
        assert example is not None
        assert (example.given, example.right) == (
            "(1, 5) (float, float)",
            "(1, 5) (a tensor of shape (), a tensor of shape ())",
        )
    held = INVERSE.format(first="", loss=f"{MEAN}.reshape(1, 1)", gradient="R @ M.T")
    (pair,) = examples(known["gd_inverse"], held, sandbox).values()
    for example in pair:
        assert example is not None
        assert example.given.endswith("a list, each a tensor of shape (1, 1))")
        assert example.right.endswith("a list, each float)")


def test_what_is_wrong_beside_a_kind_is_told(known: dict[str, Known], sandbox: Sandbox) -> None:
    source = INVERSE.format(first="torch.manual_seed(0)", loss=MEAN, gradient="R @ M.T")
    for theirs in examples(known["gd_inverse"], source, sandbox)["gd_inverse"]:
        assert theirs is not None
        assert theirs.given == "the same numbers both times"


def test_of_several_right_answers_the_nearest_is_told(
    known: dict[str, Known], sandbox: Sandbox
) -> None:
    source = INVERSE.format(first="", loss=f"{MEAN}.item()", gradient="M.T @ R")
    for example in examples(known["gd_inverse"], source, sandbox)["gd_inverse"]:
        assert example is not None
        first = [text.rpartition("[")[2].split(",")[0] for text in (example.given, example.right)]
        assert first[0] == first[1]


def test_a_lost_sign_shows_on_the_ladder_whichever_it_is() -> None:
    """That of the result is another slip than that of one factor."""
    given = [rung.placed for rung in read_ladder(ASSIGNMENTS["tensors_and_autograd"])["dot"]]
    wrong = (
        lambda a, b: (a * b).sum().abs(),
        lambda a, b: (a * b.abs()).sum(),
        lambda a, b: (a.abs() * b).sum(),
        lambda a, b: (a * b).abs().sum(),
    )
    answers = [[float(one(a, b)) for a, b in given] for one in wrong]
    assert all(answers.count(one) == 1 for one in answers)


def test_an_example_has_the_digits_that_show_the_difference() -> None:
    reply = Reply("returned", {}, (torch.tensor([1.67209]), 2.0))
    right = replace(reply, value=(torch.tensor([1.67188]), 2.0))
    compared = smallest.Compared("f()", [torch.tensor([0.123456])], reply, right)
    assert compared.differs
    assert compared.lines() == ("f()", "([0.12346])", "([1.6721], 2)", "([1.6719], 2)")
    rougher = replace(right, value=(torch.tensor([1.5]), 2.0))
    assert smallest.Compared("f()", [], reply, rougher).lines() == (
        "f()",
        "",
        "([1.672], 2)",
        "([1.5], 2)",
    )
    long = [replace(reply, value=[0.0] * 20 + [last]) for last in (1.0, 2.0)]
    unseen = smallest.first_difference([smallest.Compared("f()", [], *long)], True)
    assert unseen is not None and unseen.lines is None
    assert smallest.from_the_nearest([unseen]) is None
    seen = smallest.first_difference([smallest.Compared("f()", [], reply, rougher)], True)
    assert seen is not None
    assert smallest.from_the_nearest([unseen, seen]) == seen.lines
    assert smallest.from_the_nearest([unseen, seen, None]) is None


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        (
            torch.tensor([2.5, 1.5]),
            "([1.102], [2.5, 1.5]) (a tensor of shape (1,), a tensor of shape (2,))",
        ),
        (["2.500", "1.500"], "([1.102], ['2.500', '1.500'])"),
    ],
)
def test_a_history_of_another_kind_is_told_by_its_kind(losses: object, told: str) -> None:
    """No rounding beside it is shown as if it were what is wrong."""
    right = Reply("returned", {}, (torch.tensor([1.10219]), [2.5, 1.5]))
    given = replace(right, value=(torch.tensor([1.10218]), losses))
    lines = smallest.Compared("f()", [], given, right).lines()
    assert lines is not None and lines.given == told


def test_arguments_are_not_said_to_be_changed_where_right_is_an_exception() -> None:
    given = Reply("returned", {}, None, (torch.ones(1, 2),))
    right = Reply("raised", {"type": "ValueError"})
    lines = smallest.Compared("f()", [], given, right).lines()
    assert lines == ("f()", "", "None", "raises ValueError")


@pytest.mark.parametrize(
    ("message", "refuses"),
    [
        ("dot(a, b) returned a float; expected a torch.Tensor", True),
        ("f(A) returned: a value of type float; expected a torch.Tensor of shape ()", True),
        ("f(A) returned a loss_history with a tensor of shape (1, 1) in it; expected floats", True),
        ("f(A) returned X of shape (); expected (1, 1)", True),
        ("dot gave what this check could not work with (TypeError)", True),
        ("the check could not use what your function returned (TypeError: no)", True),
        ("f(A): U is off by 0.3 (largest difference 0.3, at most 1e-05 allowed)", False),
        ("f(A) returned S = [1, 2]; expected a descending order", False),
        ("f raised TypeError: expected Tensor as element 0", False),
    ],
)
def test_whether_a_check_refuses_a_kind(message: str, refuses: bool) -> None:
    assert smallest.refuse_kinds(["f(A) is wrong", message]) == refuses


def without_place(given: str) -> str:
    return given.partition(" (")[0] if given.startswith("raised") else given


def test_what_does_not_cross_the_line_is_alike_where_its_kind_is() -> None:
    assert alike([Opaque.of("set")], (Opaque.of("set"),))
    assert not alike(Opaque.of("set"), Opaque.of("dict"))
    assert not alike("set", Opaque.of("set"))


def test_from_a_start_that_is_not_known_the_usual_one_is_told(
    known: dict[str, Known], sandbox: Sandbox
) -> None:
    """The grader makes what is right from there; the kit has no solution to make it with."""
    theirs, ours = examples(known["sgd_factorisation"], ELSEWHERE, sandbox)["sgd_factorise"]
    assert theirs is not None
    assert ours is not None
    assert ours.call == theirs.call == "sgd_factorise([[2], [1]], 1, num_epochs=1, lr=0.5)"
    assert (ours.start, ours.given) == (theirs.start, theirs.given)
    assert theirs.right not in ours.right
    assert "is not known here" in ours.right
    assert "which torch.rand gives" in ours.right


def example_in_the_kit(
    assignment: Assignment, student: kit_student.Student, function: str
) -> object:
    return kit_ladder.smallest_example(assignment.released, student, function, REFUSING)


@pytest.mark.parametrize("slug", ASSIGNMENTS)
def test_right_answers_have_no_example_in_the_kit(slug: str) -> None:
    assignment = ASSIGNMENTS[slug]
    cheap = [one for one in assignment.variants if one.stem in ("numpy_formulas", "adam")]
    texts = ["", *(path.read_text(encoding="utf-8") for path in cheap)]
    texts += [base.path.read_text(encoding="utf-8") for base in assignment.bases]
    for text in texts:
        student = in_a_notebook(assignment, text)
        for function in read_ladder(assignment):
            with kit_student.clean_state():
                assert example_in_the_kit(assignment, student, function) is None


def test_a_slow_function_is_asked_no_longer_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assignment, calls = ASSIGNMENTS["gd_inverse"], []
    student = in_a_notebook(assignment, "")
    monkeypatch.setattr(kit_ladder, "SECONDS", -1.0)
    monkeypatch.setattr(kit_ladder.Ladder, "call", lambda *given: calls.append(given))
    assert example_in_the_kit(assignment, student, "gd_inverse") is None
    assert calls == []


# --- what is released -----------------------------------------------------------------------------


@pytest.mark.parametrize("slug", ASSIGNMENTS)
def test_what_is_released_is_what_right_answers_give(slug: str) -> None:
    """To a tolerance: another machine may round otherwise, and then makes nothing anew."""
    assignment = ASSIGNMENTS[slug]
    fresh = json.loads(released_ladder.made(assignment, ""))
    there = json.loads((assignment.released / "ladder.json").read_text(encoding="utf-8"))
    assert there["made_of"] == released_ladder.digest(assignment)
    assert close(fresh["functions"], there["functions"])


def close(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return (one != one and other != other) or alike(one, other)
    return one == other


def test_a_ladder_that_somebody_changed_is_made_anew(tmp_path: Path) -> None:
    assignment = ASSIGNMENTS["tensors_and_autograd"]
    text = (assignment.released / "ladder.json").read_bytes()
    made_of = released_ladder.digest(assignment)
    assert released_ladder.released(assignment, made_of) == text
    assert released_ladder.released(assignment, "another") is None
    elsewhere = replace(assignment, folder=tmp_path / "reference_solutions" / assignment.slug)
    elsewhere.released.mkdir(parents=True)
    (elsewhere.released / "ladder.json").write_bytes(text.replace(b"6.0", b"7.0", 1))
    assert released_ladder.released(elsewhere, made_of) is None
    (elsewhere.released / "ladder.json").write_bytes(b"{")
    assert released_ladder.released(elsewhere, made_of) is None


@pytest.mark.parametrize("slug", ASSIGNMENTS)
def test_a_ladder_holds_inputs_and_numbers_alone(slug: str) -> None:
    """No text but the calls, the names of parameters, kinds and errors: no line of a solution."""
    assignment = ASSIGNMENTS[slug]
    read = json.loads((assignment.released / "ladder.json").read_text(encoding="utf-8"))
    for function, rungs in read["functions"].items():
        for rung in rungs:
            assert {
                reply.get("raised", "ValueError")
                for way in rung["ways"]
                for reply in way["replies"]
            } <= {"ValueError"}
            values = [
                reply.get("returned", 0.0) for way in rung["ways"] for reply in way["replies"]
            ]
            assert not list(texts_in(values)), (function, rung["call"])
    secret = next(one for one in staff_lines(assignment) if one.path == assignment.solution)
    leaking = {"ladder.json": json.dumps({"right": secret.line}).encode()}
    with pytest.raises(AuthoringError):
        guard(assignment, leaking)


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from texts_in(part)


def test_what_the_solution_says_when_it_raises_is_not_shown(
    known: dict[str, Known], sandbox: Sandbox
) -> None:
    slug, text = SUBMISSIONS["nothing is raised"]
    ((theirs, _),) = examples(known[slug], text, sandbox).values()
    silent = "def gd_inverse(M, num_iterations=1, lr=0.9, momentum=0.9):\n    raise TypeError('no')"
    ((other, _),) = examples(known[slug], silent, sandbox).values()
    assert theirs is not None
    assert other is not None
    rung = known[slug].ladder["gd_inverse"][5]
    with loaded(ASSIGNMENTS[slug], silent, sandbox) as submission:
        asked = ask(submission, [rung], ASSIGNMENTS[slug].start)
        example = smallest_example(known[slug], sandbox, asked, kinds_matter=False)
    assert example is not None
    assert (example.given.partition(" (")[0], example.right) == (
        "raised TypeError: no",
        "raises ValueError",
    )


# --- properties -----------------------------------------------------------------------------------

COURSE = {
    "assignment.toml": 'title = "T"\norder = 1\nobjectives = ["O"]\n[functions]\nf = 1\n',
    "solution.py": '"""S."""\n\n\ndef f(x):\n    """F."""\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n',
    "test_public.py": '"""C."""\n',
    "test_hidden.py": '"""C."""\n',
    "properties.py": 'def good(returned, given, again):\n    """Good."""\n    return ""\n',
}


@pytest.mark.parametrize(
    ("ladder", "properties", "says"),
    [
        ('f = [{ x = 1.0, right = ["better"] }]', "", "names better as right"),
        ('f = [{ x = 1.0, right = ["good"] }]', "1 / 0", "cannot be run"),
    ],
)
def test_properties_that_are_none_are_an_error_of_the_author(
    ladder: str, properties: str, says: str, tmp_path: Path
) -> None:
    folder = tmp_path / "reference_solutions" / "t"
    folder.mkdir(parents=True)
    for name, text in {**COURSE, "ladder.toml": ladder}.items():
        (folder / name).write_text(text, encoding="utf-8")
    if properties:
        (folder / "properties.py").write_text(properties, encoding="utf-8")
    with pytest.raises(AuthoringError, match=says):
        read_ladder(read_assignment(folder))


def test_a_start_with_what_was_not_drawn_is_an_error_of_the_author(tmp_path: Path) -> None:
    folder = tmp_path / "reference_solutions" / "t"
    folder.mkdir(parents=True)
    table = '[diagnosis]\nstart = { n = 0 }\ndraw = "torch.rand"\ninterval = [0.0, 1.0]\n'
    value_beside_it = "import torch\n\n\ndef f(n=5):\n    v = torch.rand(2)\n    return v @ v, v\n"
    changed = {
        "assignment.toml": COURSE["assignment.toml"] + table,
        "solution.py": value_beside_it,
        "ladder.toml": "f = [{ n = 1 }]",
    }
    for name, text in {**COURSE, **changed}.items():
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(
        AuthoringError, match=r"f returns tensors of the shapes \(\), \(2,\), which"
    ):
        released_ladder.made(read_assignment(folder), "")


def test_a_vector_that_is_drawn_is_not_turned() -> None:
    with warnings.catch_warnings(action="error"):
        starts = released_ladder._starts(torch.rand, [torch.ones(3)])
        with started_from("torch.rand", [torch.ones(3)]):
            drawn = [torch.rand(2), torch.rand(3)]
    assert [tensor.shape for start in starts for tensor in start] == [(3,), (3,)]
    assert torch.equal(drawn[1], torch.ones(3))


def test_a_property_that_meets_what_it_cannot_look_into_is_lacking() -> None:
    def odd(returned, given, again):  # type: ignore[no-untyped-def]
        """A matrix of ones."""
        return "" if returned.sum() == given["x"] else "ones"

    def twice(returned, given, again):  # type: ignore[no-untyped-def]
        """The same again."""
        return "" if again(x=2.0) == returned else "the same"

    def ended(**changed: object) -> None:
        raise smallest.Ended("a result as well")

    def late(**changed: object) -> None:
        raise smallest.OutOfTime

    returned = kit_ladder.Reply("returned", {}, torch.ones(2), (2.0,))
    arguments = {"x": 2.0}
    assert smallest.lacking([odd], returned, arguments, late) == ""
    assert (
        smallest.lacking([odd], replace(returned, value="text"), arguments, late)
        == "A matrix of ones"
    )
    assert smallest.lacking([twice], returned, arguments, ended) == "a result as well"
    assert smallest.lacking([twice], returned, arguments, late) == ""
    raised = kit_ladder.Reply("raised", {"type": "ValueError"})
    assert smallest.lacking([odd], raised, arguments, late) == "A matrix of ones"
    changed = replace(returned, arguments=(3.0,))
    assert "leaves its arguments" in smallest.lacking([odd], changed, arguments, late)


def test_no_result_makes_an_example_long() -> None:
    deep = [[["<" * 300] * 12] * 12] * 12
    reply = Reply("returned", {}, deep, arguments=(deep,))
    right = Reply("returned", {}, 1.0, arguments=(torch.ones(1),))
    lines = smallest.Compared("f()", [], reply, right).lines()
    assert lines is not None
    assert max(map(len, lines)) < 2100
    raised = Reply("raised", {"type": "E" * 400, "message": "x" * 400, "where": "y" * 400})
    assert len(smallest.told(raised)) <= smallest.MOST_SHOWN
