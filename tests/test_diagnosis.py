"""The diagnosis names a known mistake however it is disguised, and names nothing where it does not
know.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT

from autograder.assignment import Assignment, read_assignment
from autograder.authoring.handout import stub_of
from autograder.authoring.measured import Asking, Budget
from autograder.grading.alike import TOLERANCE, alike, words
from autograder.grading.diagnosis import _same_from
from autograder.grading.grader import Grader
from autograder.grading.kept import Kept
from autograder.grading.known import Running, fingerprint
from autograder.grading.student import Recorded
from autograder.grading.submission import Submission, Unit
from autograder.results import Result
from autograder.sandbox.box import Box, Reply
from autograder.sandbox.process import Sandbox
from autograder.sandbox.wire import Opaque


@pytest.fixture(scope="module")
def factorisation(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """In a course of its own, which keeps what known mistakes answer."""
    staff = tmp_path_factory.mktemp("course") / "reference_solutions"
    folder = staff / "sgd_factorisation"
    shutil.copytree(ROOT / "reference_solutions" / "sgd_factorisation", folder)
    return read_assignment(folder)


@pytest.fixture(scope="module")
def grader(factorisation: Assignment, sandbox: Sandbox) -> Grader:
    """One grader for the file, as for a class: what known mistakes answered is remembered."""
    return Grader(factorisation, secret="a class", sandbox=sandbox)


def graded(grader: Grader, *sources: str, kind: str = "statements") -> Result:
    units = tuple(Unit(kind, source, str(place)) for place, source in enumerate(sources, start=1))
    return grader.run(Submission(units, ""))


def named(result: Result) -> list[tuple[str, str]]:
    return [(item.function, item.mistake) for item in result.diagnosis if item.mistake]


FULL, MASKED = "sgd_factorise", "sgd_factorise_masked"

V_FIRST = """
def sgd_factorise(matrix, k, num_epochs=1000, lr=0.01):
    rows, columns = matrix.shape
    right = torch.rand((columns, k))
    left = torch.rand((rows, k))
    for epoch in range(num_epochs):
        for i in range(k):
            for j in range(columns):
                gap = matrix[i, j] - torch.dot(left[i], right[j])
                left[i] = left[i] + lr * gap * right[j]
                right[j] = right[j] + lr * gap * left[i]
    return left, right
"""

FLOAT64 = """
def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    A = A.double()
    U = torch.rand(A.shape[0], rank).double()
    V = torch.rand(A.shape[1], rank).double()
    for _ in range(num_epochs):
        for r, row in enumerate(A):
            for c, target in enumerate(row):
                e = target - (U[r] * V[c]).sum()
                old = U[r].clone()
                U[r] += lr * e * V[c]
                V[c] += lr * e * old
    return U.float(), V.float()
"""

PLAIN_PYTHON = """
class Model:
    def __init__(self, m, n, rank):
        self.P, self.Q = torch.rand(m, rank).tolist(), torch.rand(n, rank).tolist()

    def learn(self, r, c, target, lr):
        gap = target - sum(p * q for p, q in zip(self.P[r], self.Q[c]))
        self.P[r] = [p + lr * gap * q for p, q in zip(self.P[r], self.Q[c])]
        self.Q[c] = [q + lr * gap * p for p, q in zip(self.P[r], self.Q[c])]


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    model = Model(*A.shape, rank)
    known = (A * M).tolist()
    for epoch in range(num_epochs):
        for r, line in enumerate(known):
            for c, target in enumerate(line):
                model.learn(r, c, target, lr)
    return torch.tensor(model.P), torch.tensor(model.Q)
"""

VECTORISED = """
def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    U, V = torch.rand(A.shape[0], rank), torch.rand(A.shape[1], rank)
    for _ in range(num_epochs):
        residual = A - torch.einsum("ik,jk->ij", U, V)
        U = torch.einsum("ij,jk->ik", lr * residual, V) + U
        V = torch.einsum("ij,ik->jk", lr * residual, U) + V
    return U, V
"""

MEAN = """
def reconstruction_loss(A, R):
    return torch.nn.functional.mse_loss(R, A)
"""

SMALL = """
def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    U = 0.1 * torch.rand(A.shape[0], rank)
    V = 0.1 * torch.rand(A.shape[1], rank)
    for _ in range(num_epochs):
        for r, c in torch.cartesian_prod(torch.arange(len(U)), torch.arange(len(V))).tolist():
            e = A[r, c] - torch.dot(U[r], V[c])
            U[r] = U[r] + lr * e * V[c]
            V[c] = V[c] + lr * e * U[r]
    return U, V
"""

DISGUISES = {
    "renamed, V drawn before U": (V_FIRST, (FULL, "range_over_rank")),
    "float64 inside": (FLOAT64, (FULL, "old_u_in_v_update")),
    "a class on plain Python floats": (PLAIN_PYTHON, (MASKED, "trains_on_A_times_M")),
    "vectorised": (VECTORISED, (FULL, "full_batch")),
    "a start that nothing but the start tells": (SMALL, (FULL, "starts_from_small_numbers")),
    "the library's own loss": (MEAN, ("reconstruction_loss", "loss_is_the_mean")),
}


@pytest.mark.slow
@pytest.mark.parametrize(("disguise", "expected"), DISGUISES.values(), ids=DISGUISES.keys())
def test_a_disguised_mistake_is_named(
    factorisation: Assignment, grader: Grader, disguise: str, expected: tuple[str, str]
) -> None:
    solution = factorisation.solution.read_text(encoding="utf-8")
    result = graded(grader, solution, disguise)
    failed = [check for check in result.tests if check.outcome != "passed"]
    assert named(result) == [expected], failed
    known = {mistake.name: mistake for mistake in factorisation.mistakes}[expected[1]]
    assert (result.diagnosis[0].title, result.diagnosis[0].hint) == (known.title, known.hint)


@pytest.mark.slow
def test_a_mistake_in_the_cells_of_a_notebook_is_named(
    factorisation: Assignment, grader: Grader
) -> None:
    solution = factorisation.solution.read_text(encoding="utf-8")
    result = graded(
        grader,
        "%matplotlib inline\nimport torch",
        solution,
        V_FIRST,
        "undefined_name",
        kind="cell",
    )
    assert named(result) == [(FULL, "range_over_rank")]


@pytest.mark.slow
def test_two_mistakes_are_named_each_with_its_function(
    factorisation: Assignment, grader: Grader
) -> None:
    solution = factorisation.solution.read_text(encoding="utf-8")
    result = graded(grader, solution, V_FIRST, MEAN)
    assert named(result) == [(FULL, "range_over_rank"), ("reconstruction_loss", "loss_is_the_mean")]


MEAN_IN_THE_LOOP = """
def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C, F = (torch.rand(shape, requires_grad=True) for shape in ((D.shape[0], k), (k, D.shape[1])))
    losses = []
    for _ in range(num_iterations):
        loss = ((D - C @ F) ** 2).mean()
        losses.append(float(loss))
        gradients = torch.autograd.grad(loss, (C, F))
        with torch.no_grad():
            C, F = ((W - lr * g).requires_grad_() for W, g in zip((C, F), gradients))
    return C.detach(), F.detach(), losses
"""


@pytest.mark.slow
def test_of_two_mistakes_that_look_alike_the_one_is_named_that_fails_nothing_else(
    sandbox: Sandbox,
) -> None:
    """A mean in the loop makes the same steps as a criterion that is a mean; but the criterion here
    is right.
    """
    assignment = read_assignment(ROOT / "reference_solutions" / "gd_factorisation")
    grader = Grader(assignment, secret="a class", sandbox=sandbox)
    result = graded(grader, assignment.solution.read_text(encoding="utf-8"), MEAN_IN_THE_LOOP)
    assert named(result) == [("gd_factorise", "mean_in_the_loop")]


NOT_FOLLOWED = """
def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C, F = torch.rand(D.shape[0], k), torch.rand(k, D.shape[1])
    for _ in range(num_iterations):
        criterion(C @ F, D).backward()
"""


@pytest.mark.slow
def test_a_mistake_in_another_function_is_not_named_where_that_function_is_right(
    sandbox: Sandbox,
) -> None:
    """Factors that do not require grad end like a criterion that is detached, which passes here."""
    assignment = read_assignment(ROOT / "reference_solutions" / "gd_factorisation")
    grader = Grader(assignment, secret="a class", sandbox=sandbox)
    right = assignment.solution.read_text(encoding="utf-8")
    assert "criterion_is_detached" not in str(named(graded(grader, right, NOT_FOLLOWED)))
    detached = "def criterion(A, B):\n    return ((A - B) ** 2).sum().detach()\n"
    both = named(graded(grader, right, NOT_FOLLOWED, detached))
    assert ("gd_factorise", "criterion_is_detached") in both


UNKNOWN = """
def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    U, V = torch.rand(A.shape[0], rank), torch.rand(A.shape[1], rank)
    for _ in range(num_epochs):
        for r in range(A.shape[0]):
            for c in range(A.shape[1]):
                e = A[r, c] - U[r] @ V[c]
                U[r] += 1.37 * lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def reconstruction_loss(A, R):
    return ((A - R) ** 2).sum() * 1.37
"""


@pytest.mark.slow
def test_a_mistake_that_nobody_knows_is_not_guessed(
    factorisation: Assignment, grader: Grader
) -> None:
    result = graded(grader, factorisation.solution.read_text(encoding="utf-8"), UNKNOWN)
    assert result.score < result.max_score
    assert named(result) == []


HALF_LARGE = SMALL.replace("0.1 * torch.rand", "0.37 * torch.rand")


@pytest.mark.slow
def test_a_wrong_start_is_not_taken_for_another_wrong_start(
    factorisation: Assignment, grader: Grader
) -> None:
    """Right steps from a start that no known mistake makes: from that start, every known wrong
    start looks the same. That the start is not that of torch.rand is all that is told.
    """
    result = graded(grader, factorisation.solution.read_text(encoding="utf-8"), HALF_LARGE)
    assert {check.name for check in result.tests if check.outcome != "passed"} == {
        "test_factors_start_from_torch_rand"
    }
    assert named(result) == [(FULL, "start_changed")]


@pytest.mark.slow
def test_a_right_answer_is_given_no_diagnosis(factorisation: Assignment, grader: Grader) -> None:
    for variant in factorisation.variants[:3]:
        result = graded(grader, variant.read_text(encoding="utf-8"))
        assert (result.score, named(result)) == (result.max_score, []), variant.name


@pytest.mark.slow
def test_a_stub_is_given_no_diagnosis(factorisation: Assignment, grader: Grader) -> None:
    result = graded(grader, stub_of(factorisation.solution.read_text(encoding="utf-8")))
    assert (result.score, named(result)) == (0.0, [])


@pytest.mark.slow
def test_a_file_without_functions_is_given_no_diagnosis(
    factorisation: Assignment, grader: Grader
) -> None:
    result = graded(grader, "x = 1\n")
    assert {check.outcome for check in result.tests} == {"missing"}
    assert named(result) == []


@pytest.mark.slow
def test_what_does_not_start_at_random_is_not_said_to(
    factorisation: Assignment, grader: Grader
) -> None:
    scaled = (ROOT / "examples" / "sgd_factorisation" / "library-svd.py").read_text(
        encoding="utf-8"
    )
    assert named(graded(grader, scaled)) == [], (
        "svd_after_the_loop gives the same, but from a random start"
    )


def with_long_calls(assignment: Assignment, course: Path) -> Assignment:
    """The same assignment in another course, where calls of 300 epochs and more are long."""
    folder = course / "reference_solutions" / assignment.slug
    shutil.copytree(assignment.folder, folder)
    settings = folder / "assignment.toml"
    text = settings.read_text("utf-8")
    settings.write_text(
        text.replace("\ndraw =", "\nlong = { num_epochs = 300 }\ndraw =", 1), "utf-8"
    )
    return read_assignment(folder)


SHORT_CALLS_TELL = "old_u_in_v_update"
LONG_CALLS_TELL = ["jumps_after_1000_epochs", "jumps_after_300_epochs"]  # right in every short call


@pytest.mark.slow
def test_mistakes_are_asked_long_calls_where_short_ones_do_not_tell_them(
    factorisation: Assignment, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assignment, reply = with_long_calls(factorisation, tmp_path), Running.reply
    asked: list[tuple[Any, bool]] = []

    def noted(running: Running, call: Recorded) -> Reply:
        asked.append((running._mistake, call.options.get("num_epochs", 0) >= 300))
        return reply(running, call)

    monkeypatch.setattr(Running, "reply", noted)
    solution = assignment.solution.read_text("utf-8")
    grader = Grader(assignment, secret="a class", sandbox=sandbox)
    for mistake in assignment.mistakes:
        if mistake.name in (SHORT_CALLS_TELL, *LONG_CALLS_TELL):
            asked.clear()
            result = graded(grader, solution, mistake.path.read_text("utf-8"))
            assert {name for _, name in named(result)} == {mistake.name}
            long = {False, True} if mistake.name in LONG_CALLS_TELL else {False}
            assert {length for one, length in asked if one == mistake} == long


@pytest.mark.slow
def test_release_asks_long_calls_where_short_ones_do_not_tell(
    factorisation: Assignment, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assignment, call = with_long_calls(factorisation, tmp_path), Box.call
    asked: list[int] = []

    def noted(box: Box, function: str, arguments: tuple, options: dict, **given: Any) -> Reply:
        asked.append(options.get("num_epochs", 0))
        return call(box, function, arguments, options, **given)

    monkeypatch.setattr(Box, "call", noted)
    asking = Asking(assignment, sandbox, "a class", Budget(60.0, time.process_time()))
    asking.ask(None, long=True)
    assert max(asked) >= 300
    asked.clear()
    some = [one for one in assignment.mistakes if one.name in (SHORT_CALLS_TELL, *LONG_CALLS_TELL)]
    alike = [one.name for one in some if asking.ask(one, long=False)]
    assert sorted(alike) == sorted(LONG_CALLS_TELL)
    assert len(asked) > 10
    assert max(asked) < 300


@pytest.mark.slow
def test_all_workers_run_each_known_mistake_once(
    factorisation: Assignment, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "reference_solutions" / factorisation.slug
    shutil.copytree(factorisation.folder, folder)
    factorisation = read_assignment(folder)
    opened, real = [], sandbox.open
    monkeypatch.setattr(sandbox, "open", lambda limits: opened.append(limits) or real(limits))
    boxes, results = [], []
    for answer in ("None", "'a string'", "None"):
        opened.clear()
        grader = Grader(factorisation, secret="another class", sandbox=sandbox)  # remembers nothing
        results.append(graded(grader, f"{FULL} = lambda *given, **options: {answer}"))
        boxes.append(len(opened))
    assert boxes[0] > len(factorisation.mistakes) / 2, (
        "a submission that fails everything is compared with most mistakes"
    )
    assert boxes[1] == boxes[2] == 1, "only the submission itself is loaded"
    assert named(results[0]) == named(results[2])


REPLIES = {
    "tensors": Reply("returned", {}, (torch.ones(2, 1), torch.zeros(0)), (torch.ones(2), 3)),
    "a history": Reply("returned", {}, [0.5] * 40 + [float("nan")], (torch.ones(2), 3)),
    "what does not cross": Reply("returned", {}, (Opaque.of("set"), None, True, "text", 7)),
    "gradients": Reply("returned", {}, torch.tensor(1.0), (), (torch.ones(2, 2), None)),
    "an error": Reply("raised", {"type": "ValueError", "message": "not square"}),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())
def test_a_reply_is_kept_as_it_was(tmp_path: Path, reply: Reply) -> None:
    given, file = (torch.ones(2), 3), tmp_path / "known" / "mistake-0123456789abcdef.replies"
    kept = Kept(file)
    kept.remember("key", given, reply)
    kept.save()
    again = Kept(file).recall("key", given)
    assert again is not None
    assert repr(replace(again, header={}, size=0)) == repr(replace(reply, header={}))
    assert words(again) == words(reply)
    assert Kept(file).recall("another", given) is None


def test_what_is_kept_shows_no_argument_and_survives_damage(tmp_path: Path) -> None:
    secret = torch.tensor([0.123456789, 0.987654321])
    file = tmp_path / "known" / "mistake-0123456789abcdef.replies"
    one, other = Kept(file), Kept(file)
    one.remember("first", (secret,), Reply("returned", {}, 1.0, (secret.clone(),)))
    one.save()
    other.remember("second", (secret,), Reply("returned", {}, 2.0, (secret.clone(),)))
    other.remember("never", (secret,), Reply("timed_out", {}))
    other.save()
    assert secret.numpy().tobytes() not in file.read_bytes()
    assert file.parent.stat().st_mode & 0o077 == 0
    both = Kept(file)
    assert [both.recall(key, (secret,)).value for key in ("first", "second")] == [1.0, 2.0]
    assert torch.equal(both.recall("second", (secret,)).arguments[0], secret)
    assert both.recall("never", (secret,)) is None
    assert one.recall("second", (secret,)) is not None, "what another process wrote is seen"
    file.write_bytes(file.read_bytes()[:-5])
    assert Kept(file).recall("second", (secret,)) is None
    assert Kept(file).recall("first", (secret,)) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"function": "truncated_svd"},
        {"arguments": (torch.tensor([[1.0, 2.0]]), 2)},
        {"arguments": (torch.tensor([[1.0], [2.0]]), 1)},
        {"arguments": (torch.tensor([[1.0, 2.0]], dtype=torch.float64), 1)},
        {"arguments": (torch.tensor([[1.0, -0.0]]), 1)},
        {"options": {"lr": 0.1}},
        {"options": {"num_epochs": 0.1, "lr": 1}},
        {"seed": 8},
        {"differentiate": True},
        {"times": 2},
    ],
    ids=str,
)
def test_calls_that_differ_have_different_fingerprints(change: dict[str, Any]) -> None:
    call = Recorded(
        FULL,
        (torch.tensor([[1.0, 0.0]]), 1),
        {"num_epochs": 1, "lr": 0.1},
        7,
        False,
        1,
        Reply("died", {}),
    )
    same = replace(call, arguments=(torch.tensor([[1.0], [0.0]]).T, 1), reply=Reply("returned", {}))
    assert fingerprint(call) == fingerprint(same)
    assert fingerprint(call) != fingerprint(replace(call, **change))


def test_values_are_alike_up_to_the_tolerance() -> None:
    values = torch.tensor([1.0, -2.0, torch.nan])
    assert alike(values, values.double() + TOLERANCE)
    assert not alike(values, values + 5 * TOLERANCE)
    assert not alike(values, values[:2])
    assert alike((values, [1.0, 2]), [values.clone(), (1.0, 2)])
    assert not alike((1.0,), (1.0, 1.0))
    assert alike(float("nan"), float("nan"))
    assert alike(float("inf"), -1e30)
    assert not alike(float("inf"), 1.0)
    assert alike(values, torch.tensor([1.0, -2.0, -3e38]))
    assert not alike(values, torch.tensor([1.0, torch.inf, torch.nan]))
    assert alike(None, None)
    assert not alike(None, 0.0)
    assert not alike("text", 1.0)


@pytest.mark.parametrize(
    ("kind", "given", "known", "alike_enough"),
    [
        ("AttributeError", "ndarray has no flip", "float has no backward", False),
        ("AttributeError", "float has no backward", "float has no backward", True),
        ("NameError", "name 'left' is not defined", "name 'U' is not defined", True),
    ],
)
def test_errors_alone_are_compared_by_what_they_say(
    kind: str, given: str, known: str, alike_enough: bool
) -> None:
    """Where a function never returns, another error of the same kind is another mistake; how a
    student calls a variable is none.
    """

    class Running:
        def reply(self, call: Recorded) -> Reply:
            return Reply("raised", {"type": kind, "message": known})

    raised = Reply("raised", {"type": kind, "message": given})
    call = Recorded("f", (), {}, 0, False, 1, raised)
    assert _same_from(Running(), call, [], by_words=True) is alike_enough  # type: ignore[arg-type]
    assert _same_from(Running(), call, [], by_words=False)  # type: ignore[arg-type]
