"""Hidden checks of `gd_factorisation`. What each tolerance is worth, and what the long runs cost and
catch: design.md.
"""

from dataclasses import dataclass, replace

import numpy
import pytest
import torch

from autograder.vocabulary import (
    STANDSTILL,
    close,
    difference,
    expect,
    fresh_start,
    history,
    items,
    matrix,
    remembered,
    scalar,
    sensitivity,
    squared_error,
    unchanged,
)

GRADIENT = 1e-5  # of criterion
TOLERANCE = 2e-5  # of a factor, relative where one of its entries is larger than 1
WILD = 1e-4  # ... after steps that lead very far away
ROUGH = 0.02  # ... where slightly other steps, which other checks are for, cost nothing
FAR = 6e-4  # ... after as many steps as by default
LOSS = 1e-5  # a loss, relative
SMALL_LOSS = 0.01  # one from 1e-4 to 1e-2, relative
LR = 0.05
MOVES = 1e-3  # what a run moves some entry of each factor by, at the least
DIVERGED = 1e4  # factors beyond this are of no use
EARLY = 2000  # steps: what they do not make larger, later ones do not either


# --- criterion --------------------------------------------------------------------------------------------------------


def pair(draw, n, m):
    """Two matrices that differ by 0.5 to 1.5 in every element, in both directions."""
    A = draw.uniform(n, m)
    gaps = draw.uniform(n, m, low=0.5, high=1.5)
    gaps[:, ::2] *= -1
    return A, A + gaps


def right_criterion(value, A, B):
    call = f"criterion(A, B) on matrices of shape {tuple(A.shape)}"
    got, expected = scalar(value, f"{call} returned"), squared_error(A, B)
    close(
        got / expected,
        1.0,
        LOSS,
        f"{call} is {got / expected:.4g} times the sum of the squared differences",
    )


@pytest.mark.task("criterion")
@pytest.mark.points(2)
@pytest.mark.hint(
    "Differences first, then squares, then one sum over all elements, whatever the shape."
)
def test_criterion_on_matrices_of_any_shape(student, draw):
    """criterion is the sum of the squared differences, for matrices of any shape, and of large and
    small entries.
    """
    for n, m, size in ((1, 6, 1.0), (6, 2, 1.0), (5, 1, 1e3), (2, 3, 1e-4)):
        A, B = (size * one for one in pair(draw, n, m))
        right_criterion(student.criterion(A, B), A, B)


@pytest.mark.task("criterion")
@pytest.mark.points(2)
@pytest.mark.hint(
    "Autograd follows torch operations: .item(), .detach(), numpy and a new torch.tensor(...) break the chain."
)
def test_criterion_has_the_right_gradients(student, draw):
    """Autograd differentiates criterion with respect to A and to B."""
    A, B = pair(draw, 4, 3)
    value, gradients = student.differentiate("criterion", A, B)
    scalar(value, "criterion(A, B) returned")
    dA, dB = items(gradients, 2, "the gradients of criterion(A, B)")
    for name, gradient, expected in (("A", dA, 2 * (A - B)), ("B", dB, 2 * (B - A))):
        expect(
            gradient is not None,
            f"criterion(A, B) does not depend differentiably on {name}: its gradient is None",
        )
        got = matrix(gradient, (4, 3), f"the gradient of criterion(A, B) with respect to {name} is")
        close(
            got, expected, GRADIENT, f"criterion(A, B) has a wrong gradient with respect to {name}"
        )
    _, (at_minimum, _) = student.differentiate("criterion", A, A)
    got = matrix(
        at_minimum, (4, 3), "the gradient of criterion(A, A) with respect to its first argument is"
    )
    close(
        got,
        torch.zeros(4, 3),
        GRADIENT,
        "criterion(A, A) is as small as it can be, and its gradient is not zero",
    )


@pytest.mark.task("criterion")
@pytest.mark.points(1)
@pytest.mark.hint(
    "An operator such as `-=`, or a method whose name ends in `_`, writes into the tensor that you were given."
)
def test_criterion_leaves_its_arguments_alone(student, draw):
    """criterion gives the right result and leaves both matrices as they were."""
    A, B = pair(draw, 3, 3)
    call = student.twice().call("criterion", A, B)
    right_criterion(call.value, A, B)
    unchanged(call, A, B)


# --- gd_factorise ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """One call of gd_factorise."""

    D: torch.Tensor
    k: int
    steps: int
    lr: float
    wild: bool = False  # it leads away from D as far as it likes; what rounding does is bounded

    def __str__(self):
        given = f"D, k={self.k}, num_iterations={self.steps}, lr={self.lr:g}"
        return f"gd_factorise({given}) with D of shape {tuple(self.D.shape)}"


def results(student, run):
    """(C, F, loss_history as it came) of one call, C and F as float64 of the right shapes."""
    value = student.gd_factorise(run.D, run.k, num_iterations=run.steps, lr=run.lr)
    C, F, losses = items(value, 3, f"{run} (C, F, loss_history)")
    n, m = run.D.shape
    return (
        matrix(C, (n, run.k), f"{run} returned C"),
        matrix(F, (run.k, m), f"{run} returned F"),
        losses,
    )


def start_of(student, run):
    """Where C and F start: one iteration at a learning rate that moves nothing."""
    return results(student, replace(run, steps=1, lr=STANDSTILL))[:2]


@remembered
def descend(run, C, F):
    """The rule itself, in float64: (C, F, losses) after the steps of a run from the start (C, F)."""
    C, F, D = (value.to(torch.float64).numpy() for value in (C, F, run.D))
    rate, steps = 2 * run.lr, []
    for _ in range(run.steps):
        step = numpy.dot(C, F)  # for so small matrices faster than @
        step -= D
        step *= rate
        steps.append(step)
        C, F = C - numpy.dot(step, F.T), F - numpy.dot(C.T, step)
    losses = ((numpy.array(steps) / rate) ** 2).sum((1, 2))
    return torch.from_numpy(C), torch.from_numpy(F), torch.from_numpy(losses)


def relative(C, F, losses):
    """Factors over their largest entry where that is above 1, losses over the largest."""
    sizes = [max(1.0, float(factor.abs().max())) for factor in (C, F)]
    return C / sizes[0], F / sizes[1], losses / losses.max()


def decides(run, start, expected, tolerance):
    """Whether a run tells right from wrong: both factors move, a long run's to the end, and what
    float32 rounds away stays well within the tolerance.
    """
    with numpy.errstate(all="ignore"):
        C, F, _ = expected
        moved = min(difference(C, start[0]), difference(F, start[1]))
        size = max(float(C.abs().max()), float(F.abs().max()))
        if not (moved > MOVES and (run.wild or size < DIVERGED)):
            return False
        if run.steps > EARLY and at_rest(run, C, F):
            return False
        early = replace(run, steps=min(run.steps, EARLY))
        return sensitivity(lambda C, F: relative(*descend(early, C, F)), *start) < tolerance / 4


def at_rest(run, C, F):
    """Whether half of the run's steps, each as large as the next one, would not show."""
    onwards = descend(replace(run, steps=1), C, F)
    step = min(difference(now, then) for now, then in zip((C, F), onwards, strict=False))
    return step * run.steps / 2 < 3 * FAR * max(1.0, float(C.abs().max()), float(F.abs().max()))


def from_own_start(
    student, draw, make, adapt=lambda run, start: run, tolerance=TOLERANCE, tries=100
):
    """The student's (C, F, losses) of a run, the rule's from the student's own start, and the run.

    make: draws a run; seed and all are drawn anew until it decides, within the tolerance, or as
        many tries have been made
    adapt: the run to be made from this start
    """

    def inputs():
        seeded, run = student.seeded(draw.seed()), make()
        start = start_of(seeded, run)
        run = adapt(run, start)
        return seeded, run, start, descend(run, *start)

    seeded, run, start, expected = draw.until(
        inputs, lambda drawn: decides(*drawn[1:], tolerance), tries
    )
    C, F, losses = expected
    moved = difference(C, start[0]) > MOVES and difference(F, start[1]) > MOVES
    expect(
        moved, "C and F start where no gradient step could move them; start them from torch.rand"
    )
    return results(seeded, run), (C, F, losses), run


def same_place(name, got, expected, run, tolerance=TOLERANCE):
    size = max(1.0, float(expected.abs().max()))
    steps = "one iteration does" if run.steps == 1 else f"{run.steps} iterations do"
    wrong = f"{steps} not take {name} where as many gradient steps take it, at lr={run.lr:g}"
    close(got / size, expected / size, tolerance, f"{wrong} and D of shape {tuple(run.D.shape)}")


def mixed(draw, n, m):
    """Entries of both signs, with a zero, a large one of each sign and a small one among them, in
    places of their own.
    """
    D = draw.normal(n, m).flatten()
    special = torch.tensor([0.0, draw.number(2, 4), -draw.number(2, 4), draw.number(0.001, 0.01)])
    first = draw.integer(0, n * m)
    D[(first + 2 * torch.arange(4)) % (n * m)] = special
    return D.reshape(n, m)


def rising(run, start):
    """The run at a learning rate, as small as can be, at which it diverges: the loss before the
    last step is twice the first, and above the first already before.
    """
    for power in range(75):
        faster = replace(run, lr=round(0.05 * 1.05**power, 4))
        losses = descend(faster, *start)[2].tolist()
        if losses[-1] > 2 * losses[0] and losses[-2] > 1.1 * losses[0]:
            break
    return faster


def hardly_gaining(run, start):
    """The run at a learning rate with which a step gains 8e-7 of the loss: more than rounding in
    float32 hides, and less than a millionth.
    """
    before, after = descend(replace(run, steps=2), *start)[2].tolist()
    return replace(run, lr=float(f"{run.lr * 8e-7 * before / (before - after):.3g}"))


def nearly_there(run, start):
    """As many steps of the run as bring the loss below 3e-4, where D can be met exactly."""
    losses = descend(run, *start)[2].tolist()
    return replace(run, steps=next((k for k, loss in enumerate(losses) if loss < 3e-4), run.steps))


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint("torch.rand(rows, columns) for both factors, as it comes, whatever D and lr are.")
def test_start_is_torch_rand(student, draw):
    """C and F start from torch.rand, whatever D holds, also where k is larger than n and m."""
    D, other, k = mixed(draw, 8, 7), mixed(draw, 8, 7), 9  # k may be larger than n and m
    first = student.seeded(draw.seed())
    start = start_of(first, Run(D, k, 1, STANDSTILL))
    call = f"gd_factorise with lr = {STANDSTILL:g}"
    fresh_start(start, ("C", "F"), call)
    again = start_of(first, Run(other, k, 1, STANDSTILL))
    moves = "starts elsewhere for another D; with such an lr nothing may move"
    for name, value, same in zip("CF", start, again, strict=True):
        expect(difference(value, same) < 1e-20, f"{call}: {name} {moves}")


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "One step is C − lr · ∂loss/∂C. Is your loss the sum of the squared differences, and lr the lr "
    "of the call?"
)
def test_one_step_moves_c_down_the_gradient(student, draw):
    """One iteration moves C by −lr times the gradient of the criterion."""
    make = lambda: Run(mixed(draw, 5, 4), 3, 1, LR)  # noqa: E731
    (C, _, _), (expected, _, _), run = from_own_start(student, draw, make)
    same_place("C", C, expected, run)


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Both gradients belong to the same point: which C does the gradient of F see in your function?"
)
def test_one_step_moves_f_from_the_same_point(student, draw):
    """One iteration moves F by −lr times the gradient of the criterion, taken before C has moved."""
    make = lambda: Run(mixed(draw, 4, 6), 3, 1, LR)  # noqa: E731
    (_, F, _), (_, expected, _), run = from_own_start(student, draw, make)
    same_place("F", F, expected, run)


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.75)
@pytest.mark.hint(
    "If the first step is right and the next ones are not: what does a second backward find in "
    ".grad? And where the loss rises, the steps are the same."
)
def test_steps_follow_the_rule_where_the_loss_rises(student, draw):
    """Three iterations are three gradient steps, each from where the last one ended, also where
    these go ever farther from D, and for a D of one column. So are two that go very far indeed.
    """
    descending = lambda: Run(mixed(draw, 4, 5), 1, 3, LR)  # noqa: E731
    one_column = lambda: Run(mixed(draw, 7, 1), 1, 3, LR)  # noqa: E731
    diverging = lambda: Run(mixed(draw, 3, 4), 2, 3, LR)  # noqa: E731
    wild = lambda: Run(mixed(draw, 3, 4), 2, 2, draw.number(300, 900), wild=True)  # noqa: E731
    for make, chosen in (
        (descending, {}),
        (one_column, {}),
        (diverging, {"adapt": rising}),
        (wild, {"tolerance": WILD}),
    ):
        got, expected, run = from_own_start(student, draw, make, **chosen)
        for name, value, right in zip("CF", got, expected, strict=False):
            same_place(name, value, right, run, chosen.get("tolerance", TOLERANCE))


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Small steps do not arrive even after a thousand of them. Is every step of your loop the same "
    "step, the last one too?"
)
def test_many_small_steps_follow_the_rule(student, draw):
    """Some thousand small iterations are as many gradient steps, and end where these end: short of
    the best factorisation.
    """
    make = lambda: Run(0.4 * mixed(draw, 4, 3), 2, draw.integer(1001, 1021), 0.001)  # noqa: E731
    got, expected, run = from_own_start(student, draw, make)
    for name, value, right in zip("CF", got, expected, strict=False):
        same_place(name, value, right, run)


@pytest.mark.task("gd_factorise")
@pytest.mark.points(7)
@pytest.mark.hint(
    "Where the second layer of D is weak, ten thousand steps are still on their way to it. Is every "
    "step of your loop the same step, however many they are, the last one too?"
)
def test_the_default_number_of_steps_follows_the_rule(student, draw):
    """10,000 iterations at lr=0.001, as by default, are as many gradient steps, and end where these
    end. So are a hundred for a larger D and k, whatever was called before.
    """

    def make():
        layers = draw.number(90.0, 120.0), draw.number(0.1, 0.2)
        return Run(draw.spectrum(3, 3, layers), 2, 10000, 0.001)

    got, expected, run = from_own_start(student, draw, make, tolerance=FAR, tries=12)
    for name, value, right in zip("CF", got, expected, strict=False):
        same_place(name, value, right, run, FAR)

    larger = lambda: Run(mixed(draw, 11, 10), 9, 100, 0.001)  # noqa: E731
    got, expected, run = from_own_start(student.twice(), draw, larger)
    for name, value, right in zip("CF", got, expected, strict=False):
        same_place(name, value, right, run, ROUGH)


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.75)
@pytest.mark.hint(
    "Does your loop go on when the loss has become tiny? One value belongs in the history for every "
    "iteration, and the factors are those after the last one."
)
def test_steps_go_on_where_nothing_is_left_to_gain(student, draw):
    """A D of one row can be met exactly: some 300 iterations are as many gradient steps and as many
    losses all the same. So are fewer, which end close to D, and those that gain next to nothing.
    """

    def one_row():
        D = draw.uniform(1, 3, low=1.0, high=2.0) * torch.tensor([[1.0, -1.0, 0.0]])
        return Run(D, 1, draw.integer(301, 331), 0.05)

    (C, F, losses), (C_expected, F_expected, expected), run = from_own_start(student, draw, one_row)
    numbers = history(losses, run.steps, f"{run} returned loss_history")
    same_place("C", C, C_expected, run)
    same_place("F", F, F_expected, run)
    wrong = f"{run} returned a loss_history that is not the losses before each step"
    got = torch.tensor(numbers, dtype=torch.float64)
    close(got / expected.max(), expected / expected.max(), TOLERANCE, wrong)
    told = expected > 1e-4  # smaller ones are the rounding of the factors
    close(got[told] / expected[told], torch.ones(int(told.sum())), SMALL_LOSS, wrong)

    far = lambda: Run(3000 * mixed(draw, 4, 3), 2, draw.integer(25, 31), 1e-8)  # noqa: E731
    for make, adapt in ((one_row, nearly_there), (far, hardly_gaining)):
        got, expected, run = from_own_start(student, draw, make, adapt)
        for name, value, right in zip("CF", got, expected, strict=False):
            same_place(name, value, right, run)


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.75)
@pytest.mark.hint(
    "One value for every iteration, none left out: the loss at the C and F that the iteration "
    "starts from."
)
def test_loss_is_recorded_before_each_step(student, draw):
    """loss_history holds the loss before each step of its own call: first that of the start, one
    value for every iteration, also where it rises or grows beyond all bounds.
    """
    make = lambda: Run(mixed(draw, 5, 3), 2, 4, LR)  # noqa: E731
    (_, _, losses), (_, _, expected), run = from_own_start(student.twice(), draw, make)
    same_losses(losses, expected.tolist(), f"the second of two calls {run}")

    student, up = student.seeded(draw.seed()), Run(mixed(draw, 4, 3), 2, 2, draw.number(400, 600))
    first, second = descend(up, *start_of(student, up))[2].tolist()
    C, F, _ = results(student, replace(up, steps=1))  # what the student's own step leads to will do
    losses, own = results(student, up)[2], squared_error(up.D, C @ F)
    got = history(losses, 2, f"{up} returned loss_history")[1]
    nearest = min(second, own, key=lambda right: abs(got - right) / right)
    same_losses(losses, [first, nearest], str(up))

    goes_on_recording(student, Run(0.4 * mixed(draw, 4, 3), 2, draw.integer(2001, 2021), 0.001))

    beyond = replace(up, steps=20, lr=20.0)
    try:
        value = student.gd_factorise(beyond.D, beyond.k, num_iterations=beyond.steps, lr=beyond.lr)
    except Exception as error:
        if getattr(error, "outcome", "") == "raised":  # so large a number may be no float
            return
        raise
    losses = items(value, 3, f"{beyond} (C, F, loss_history)")[2]
    history(losses, beyond.steps, f"{beyond} returned loss_history", finite=False)


def goes_on_recording(student, run):
    """Fail unless a long run records a loss for every step, and where its steps are those of the
    rule, which other checks see to, the rule's losses.
    """
    start = start_of(student, run)
    C, F, losses = results(student, run)
    got = torch.tensor(history(losses, run.steps, f"{run} returned loss_history"))
    *ends, expected = descend(run, *start)
    if max(map(difference, (C, F), ends)) < TOLERANCE:
        gaps = (got - expected).abs() / expected.clamp(min=1e-3 * float(expected[0]))
        far = int(gaps.argmax())
        off = f"value number {far + 1} is off by {float(gaps[far]):.2g} of the loss"
        expect(float(gaps[far]) < 1e-3, f"{run} returned loss_history, whose {off}")


def same_losses(losses, expected, call):
    call = f"{call} returned loss_history"
    pairs = zip(history(losses, len(expected), call), expected, strict=True)
    for number, (got, right) in enumerate(pairs, start=1):
        off = f"value number {number} is {got / right:.4g} times the loss before that step"
        close(got / right, 1.0, LOSS, f"{call}, whose {off}")


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "What is in D after the call? An operator such as `-=` writes into the tensor that you were given."
)
def test_factorising_leaves_d_alone(student, draw):
    """gd_factorise returns factors of D and leaves D as it was."""
    run, student = Run(mixed(draw, 4, 3), 2, 3, 0.02), student.seeded(draw.seed())
    call = student.call("gd_factorise", run.D, run.k, num_iterations=run.steps, lr=run.lr)
    C, F, _ = items(call.value, 3, f"{run} (C, F, loss_history)")
    C, F = matrix(C, (4, 2), f"{run} returned C"), matrix(F, (2, 3), f"{run} returned F")
    tried = bool(C.any()) and bool(F.any())
    expect(tried, f"{run} returned factors of nothing but zeros")
    unchanged(call, run.D)


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.25)
@pytest.mark.hint("Compare the first line of your function with the one that you were given.")
def test_defaults_are_as_given(student, draw):
    """gd_factorise takes 10,000 iterations at a learning rate of 0.001 where the caller does not say otherwise."""
    defaults = student.defaults("gd_factorise")
    for name, expected in (("num_iterations", 10000), ("lr", 0.001)):
        got = defaults.get(name)
        expect(got == expected, f"gd_factorise has the default {name}={got}; expected {expected}")
    order = [name for name in defaults if name in ("num_iterations", "lr")]
    expect(
        order == ["num_iterations", "lr"],
        f"gd_factorise takes {', '.join(order)}, in another order than the stub",
    )
    count = type(defaults["num_iterations"])(1)  # 1.0 where the default is 1e4: it must do
    value = student.gd_factorise(mixed(draw, 4, 3), 2, num_iterations=count)
    items(value, 3, "gd_factorise(D, k=2, num_iterations=1) (C, F, loss_history)")
