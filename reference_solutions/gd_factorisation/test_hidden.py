"""Hidden checks of `gd_factorisation`. What each tolerance is worth: design.md."""

import pytest
import torch

from autograder.vocabulary import (
    close,
    difference,
    expect,
    fresh_start,
    history,
    items,
    matrix,
    scalar,
    squared_error,
    truncated_svd_error,
    unchanged,
)

STEP = 1e-5  # a factor after one to three steps; entries of size 1
LOSS = 1e-5  # a loss, relative
OPTIMUM = 1.01  # squared error after 200 steps, as a multiple of the best there is
LR = 0.05
SLOW = 0.002  # a rate at which 250 steps do not arrive
PATH = 2e-5  # a factor after 250 steps
MOVES = 1e-3  # what a first step at LR moves some entry of each factor by, at the least


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
    close(got / expected, 1.0, LOSS, f"{call} is {got / expected:.4g} times the sum of the squared differences")


@pytest.mark.task("criterion")
@pytest.mark.points(2)
@pytest.mark.hint("Differences first, then squares, then one sum over all elements, whatever the shape.")
def test_criterion_on_matrices_of_any_shape(student, draw):
    """criterion is the sum of the squared differences, for matrices of any shape."""
    for n, m in ((3, 4), (1, 6), (6, 2)):
        A, B = pair(draw, n, m)
        right_criterion(student.criterion(A, B), A, B)


@pytest.mark.task("criterion")
@pytest.mark.points(2)
@pytest.mark.hint("Autograd follows torch operations: .item(), .detach(), numpy and a new torch.tensor(...) break the chain.")
def test_criterion_has_the_right_gradients(student, draw):
    """Autograd differentiates criterion with respect to A and to B."""
    A, B = pair(draw, 4, 3)
    value, gradients = student.differentiate("criterion", A, B)
    scalar(value, "criterion(A, B) returned")
    dA, dB = items(gradients, 2, "the gradients of criterion(A, B)")
    for name, gradient, expected in (("A", dA, 2 * (A - B)), ("B", dB, 2 * (B - A))):
        expect(gradient is not None, f"criterion(A, B) does not depend differentiably on {name}: its gradient is None")
        got = matrix(gradient, (4, 3), f"the gradient of criterion(A, B) with respect to {name} is")
        close(got, expected, STEP, f"criterion(A, B) has a wrong gradient with respect to {name}")
    _, (at_minimum, _) = student.differentiate("criterion", A, A)
    got = matrix(at_minimum, (4, 3), "the gradient of criterion(A, A) with respect to its first argument is")
    close(got, torch.zeros(4, 3), STEP, "criterion(A, A) is as small as it can be, and its gradient is not zero")


@pytest.mark.task("criterion")
@pytest.mark.points(1)
@pytest.mark.hint("An operator such as `-=`, or a method whose name ends in `_`, writes into the tensor that you were given.")
def test_criterion_leaves_its_arguments_alone(student, draw):
    """criterion gives the right result and leaves both matrices as they were."""
    A, B = pair(draw, 3, 3)
    call = student.call("criterion", A, B)
    right_criterion(call.value, A, B)
    unchanged(call, A, B)


# --- gd_factorise -----------------------------------------------------------------------------------------------------


def run(student, D, k, num_iterations, lr):
    """(C, F, loss_history as it came) of one call, C and F as float64 of the right shapes."""
    call = f"gd_factorise(D, k={k}, num_iterations={num_iterations}, lr={lr:g}) with D of shape {tuple(D.shape)}"
    C, F, losses = items(student.gd_factorise(D, k, num_iterations=num_iterations, lr=lr), 3, f"{call} (C, F, loss_history)")
    n, m = D.shape
    return matrix(C, (n, k), f"{call} returned C"), matrix(F, (k, m), f"{call} returned F"), losses


def descend(start, D, num_iterations, lr):
    """The rule itself, in float64: (C, F, losses) after `num_iterations` steps from `start`."""
    (C, F), D, losses = start, D.to(torch.float64), []
    for _ in range(num_iterations):
        E = C @ F - D
        losses.append(float((E**2).sum()))
        C, F = C - lr * 2 * E @ F.T, F - lr * 2 * C.T @ E
    return C, F, losses


def from_own_start(student, draw, shape, k, num_iterations, lr=LR):
    """The student's (C, F, losses) after some steps, and the rule's from the student's own start."""
    D, student = draw.uniform(*shape, low=0.5, high=1.5), student.seeded(draw.seed())
    C, F, _ = run(student, D, k, 1, 0.0)
    expected = descend((C, F), D, num_iterations, lr)
    moved = difference(C, expected[0]) > MOVES and difference(F, expected[1]) > MOVES
    expect(moved, "with lr = 0 C and F stay where no gradient step could move them either; start them from torch.rand")
    return run(student, D, k, num_iterations, lr), expected


@pytest.mark.task("gd_factorise")
@pytest.mark.points(1)
@pytest.mark.hint("torch.rand(rows, columns) for both factors, and no torch.manual_seed inside the function.")
def test_start_is_torch_rand(student, draw):
    """C and F start from torch.rand, whatever D holds; another seed gives another start."""
    D, other, k = draw.uniform(8, 7), draw.uniform(8, 7), 9  # k may be larger than n and m
    first, second = student.seeded(draw.seed()), student.seeded(draw.seed())
    start = run(first, D, k, 1, 0.0)[:2]
    call = "gd_factorise with lr = 0"
    fresh_start(start, ("C", "F"), call)
    again, reseeded = run(first, other, k, 1, 0.0)[:2], run(second, D, k, 1, 0.0)[:2]
    for name, value, same, changed in zip(("C", "F"), start, again, reseeded, strict=True):
        expect(torch.equal(value, same), f"{call}: {name} starts elsewhere for another D; with lr = 0 nothing may move")
        expect(not torch.equal(value, changed), f"{call}: {name} starts from the same numbers after another torch.manual_seed")


@pytest.mark.task("gd_factorise")
@pytest.mark.points(1)
@pytest.mark.hint("One step is C − lr · ∂loss/∂C. Is your loss the sum of the squared differences, and lr the lr of the call?")
def test_one_step_moves_c_down_the_gradient(student, draw):
    """One iteration moves C by −lr times the gradient of the criterion."""
    (C, _, _), (expected, _, _) = from_own_start(student, draw, (5, 4), 3, 1)
    close(C, expected, STEP, "one iteration does not take C where one gradient step takes it")


@pytest.mark.task("gd_factorise")
@pytest.mark.points(1)
@pytest.mark.hint("Both gradients belong to the same point: which C does the gradient of F see in your function?")
def test_one_step_moves_f_from_the_same_point(student, draw):
    """One iteration moves F by −lr times the gradient of the criterion, taken before C has moved."""
    (_, F, _), (_, expected, _) = from_own_start(student, draw, (4, 6), 3, 1)
    close(F, expected, STEP, "one iteration does not take F where one gradient step from the starting C and F takes it")


@pytest.mark.task("gd_factorise")
@pytest.mark.points(1.5)
@pytest.mark.hint("If the first step is right and the next ones are not: what does a second backward find in .grad?")
def test_three_steps_follow_the_rule(student, draw):
    """Three iterations are three gradient steps, each from where the last one ended."""
    (C, F, _), (C_expected, F_expected, _) = from_own_start(student, draw, (4, 5), 1, 3)
    for name, got, expected in (("C", C, C_expected), ("F", F, F_expected)):
        close(got, expected, STEP, f"three iterations do not take {name} where three gradient steps take it")


@pytest.mark.task("gd_factorise")
@pytest.mark.points(3.5)
@pytest.mark.hint("Small steps do not arrive even after 200 of them. Is every step of your loop the same step, the last one too?")
def test_many_small_steps_follow_the_rule(student, draw):
    """Some 200 small iterations are as many gradient steps, and end where these end: short of the best factorisation."""
    steps = draw.integer(150, 250)
    (C, F, _), (C_expected, F_expected, _) = from_own_start(student, draw, (6, 4), 2, steps, SLOW)
    for name, got, expected in (("C", C, C_expected), ("F", F, F_expected)):
        close(got, expected, PATH, f"{steps} iterations at lr={SLOW} do not take {name} where as many gradient steps take it")


@pytest.mark.task("gd_factorise")
@pytest.mark.points(2)
@pytest.mark.hint("One value for every iteration, none left out: the loss at the C and F that the iteration starts from.")
def test_loss_is_recorded_before_each_step(student, draw):
    """loss_history holds the loss before each step of its own call: first that of the start, one value for every iteration."""
    (_, _, losses), (_, _, expected) = from_own_start(student.twice(), draw, (5, 3), 2, 4)
    call = "the second of two calls gd_factorise(D, k=2, num_iterations=4) returned loss_history"
    for number, (got, right) in enumerate(zip(history(losses, 4, call), expected, strict=True), start=1):
        close(got / right, 1.0, LOSS, f"{call}, whose value number {number} is {got / right:.4g} times the loss before that step")
    still = run(student, draw.uniform(3, 4, low=0.5, high=1.5), 2, 5, 0.0)[2]
    call = "gd_factorise(D, k=2, num_iterations=5, lr=0) returned loss_history"
    values = history(still, 5, call)
    expect(max(values) - min(values) <= LOSS * max(values), f"{call} whose values differ; with lr = 0 the loss stays as it is")


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint("The truncated SVD is the best there is. Are both of your factors trained, and from different random numbers?")
def test_many_steps_reach_the_best_factorisation(student, draw):
    """200 iterations on a small matrix come within 1 % of the smallest squared error that k allows."""
    D = draw.spectrum(6, 5, (2.0, 1.6, 0.5, 0.3))
    C, F, _ = run(student.seeded(draw.seed()), D, 2, 200, 0.1)
    ratio = squared_error(D, C @ F) / truncated_svd_error(D, 2)
    message = f"after 200 iterations the squared error is {ratio:.4g} times the best for k=2; at most {OPTIMUM} allowed"
    expect(ratio <= OPTIMUM, message)


@pytest.mark.task("gd_factorise")
@pytest.mark.points(1)
@pytest.mark.hint("What is in D after the call? An operator such as `-=` writes into the tensor that you were given.")
def test_factorising_leaves_d_alone(student, draw):
    """gd_factorise brings C F closer to D and leaves D as it was."""
    D, student = draw.uniform(4, 3, low=0.5, high=1.5), student.seeded(draw.seed())
    C0, F0, _ = run(student, D, 2, 1, 0.0)
    call = student.call("gd_factorise", D, 2, num_iterations=3, lr=0.02)
    what = "gd_factorise(D, k=2, num_iterations=3)"
    C, F, _ = items(call.value, 3, f"{what} (C, F, loss_history)")
    C, F = matrix(C, (4, 2), f"{what} returned C"), matrix(F, (2, 3), f"{what} returned F")
    expect(squared_error(D, C @ F) < squared_error(D, C0 @ F0), f"{what}: C F is no closer to D than it was at the start")
    unchanged(call, D)


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint("Compare the first line of your function with the one that you were given.")
def test_defaults_are_as_given(student, draw):
    """gd_factorise takes 10,000 iterations at a learning rate of 0.001 where the caller does not say otherwise."""
    defaults = student.defaults("gd_factorise")
    for name, expected in (("num_iterations", 10000), ("lr", 0.001)):
        got = defaults.get(name)
        expect(got == expected, f"gd_factorise has the default {name}={got}; expected {expected}")
    value = student.gd_factorise(draw.uniform(4, 3), 2, num_iterations=1)
    items(value, 3, "gd_factorise(D, k=2, num_iterations=1) (C, F, loss_history)")
