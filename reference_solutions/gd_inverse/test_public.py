"""Checks that students get: run `pytest` in this folder, or the check cells of the notebook."""

import math

import pytest
import torch

# The errors of three steps worked out by hand in section 3 of the lesson: M = 2 I, lr 0.1, momentum 0.8, the error at the start is 1.
BY_HAND = (0.8, 0.48, 0.128)
# What the same three errors are where something else is computed, and what that would be.
OTHERWISE = {
    (0.8, 0.64, 0.512): "momentum has no effect: what one step did must still be felt in the next",
    (0.8, 0.46, 0.062): "the momentum is 0.9, whatever the caller says",
    (
        0.96,
        0.8896,
        0.797696,
    ): "the gradient enters the velocity with a factor (1 - momentum); in the rule it has none",
    (
        0.8,
        0.28,
        -0.552,
    ): "old gradients count twice, in the velocity and in X.grad, which backward() adds to: empty it",
    (
        0.8,
        0.44,
        -0.008,
    ): "old gradients never fade: backward() adds to X.grad, and nothing is taken out of it",
    (1.0, 0.8, 0.44): "X moves before the new gradient is part of the velocity",
    (
        0.64,
        0.2816,
        -0.004096,
    ): "the step looks ahead of the velocity; X moves by lr times the velocity itself",
    (0.9, 0.73, 0.521): "half the gradient is used: the derivative of a square brings a 2",
    (
        0.6,
        0.04,
        -0.424,
    ): "twice the gradient is used: by how many entries is the sum of the squares divided?",
    (
        0.2,
        -0.6,
        -0.76,
    ): "four times the gradient is used: the loss is a mean over all entries, not a sum",
    (0.98, 0.9444, 0.897032): "lr is used twice in each step, in the velocity and in X",
    (1.0, 1.0, -0.8): "the learning rate is 0.9, whatever the caller says",
    (0.48, 0.128, -0.1792): "one step more is taken than asked for",
    (1.2, 1.6, 2.24): "X moves up the slope: which sign has the step?",
    (1.0, 1.0, 1.0): "X does not move",
}


def results(value, call):
    """The two results of a call, X as float64 and loss_history; fails in words where they are not there."""
    assert isinstance(value, tuple | list) and len(value) == 2, (
        f"{call} returned {type(value).__name__}; expected (X, loss_history)"
    )
    X, loss_history = value
    assert isinstance(X, torch.Tensor), (
        f"{call} returned X of type {type(X).__name__}; expected a torch.Tensor"
    )
    plain = X.layout == torch.strided and not X.is_complex()
    assert plain, (
        f"{call} returned X of dtype {X.dtype} and layout {X.layout}; expected an ordinary tensor of real numbers"
    )
    assert isinstance(loss_history, tuple | list), (
        f"{call} returned loss_history of type {type(loss_history).__name__}; expected a list"
    )
    return X.detach().double(), loss_history


def square(X, n, call):
    """Fail unless X is n×n and finite."""
    assert X.shape == (n, n), f"{call} returned X of shape {tuple(X.shape)}; expected {(n, n)}"
    assert bool(X.isfinite().all()), (
        f"{call}: the descent diverged, X holds NaN or infinite values. Each step went further away"
    )
    return X


def numbers(losses, count, call):
    """A loss history as floats; fails in words where it is not `count` finite numbers."""
    assert len(losses) == count, f"{call} returned {len(losses)} losses; expected {count}"
    for loss in losses:
        plain = isinstance(loss, float | int) or (
            isinstance(loss, torch.Tensor) and loss.ndim == 0 and not loss.is_complex()
        )
        assert plain, (
            f"loss_history holds a {type(loss).__name__}; expected floats (loss.item() makes one)"
        )
        assert math.isfinite(float(loss)), (
            "the descent diverged: loss_history holds NaN or infinite values"
        )
    return [float(loss) for loss in losses]


def twice_the_identity(student, steps, lr=0.1):
    """X and the losses after some steps on M = 2 I from the start of seed 3; the call in words."""
    call = f"gd_inverse(2 * torch.eye(2), num_iterations={steps}, lr={lr:g}, momentum=0.8)"
    M = 2 * torch.eye(2)
    X, losses = results(
        student.seeded(3).gd_inverse(M, num_iterations=steps, lr=lr, momentum=0.8), call
    )
    return square(X, 2, call), losses, call


def start_of(student):
    """The student's own start: one step that is too small to change anything."""
    return twice_the_identity(student, 1, lr=1e-30)[0]


def raised(function, M):
    """The names of the class and the bases of the exception that function(M) raises; () where it returns."""
    try:
        function(M, num_iterations=2)
    except Exception as error:
        names = getattr(error, "error_types", ())
        if not names or "NotImplementedError" in names:
            raise
        return names
    return ()


@pytest.mark.task("gd_inverse")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "X is as large as M. One number goes on the list in every iteration. What ends in an underscore, -= and /= change M."
)
def test_returns_a_square_matrix_and_one_loss_an_iteration(student):
    """gd_inverse returns X, of the shape of M, and a list of one loss an iteration; M stays as it was."""
    M = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    made = student.call("gd_inverse", M, num_iterations=7)
    X, loss_history = results(made.value, "gd_inverse(M, num_iterations=7)")
    square(X, 3, "gd_inverse(M, num_iterations=7) for a 3×3 matrix M")
    numbers(loss_history, 7, "gd_inverse(M, num_iterations=7)")
    after = made.arguments[0]
    assert isinstance(after, torch.Tensor) and after.dtype == M.dtype and torch.equal(after, M), (
        "gd_inverse(M, num_iterations=7) changed the M that it was given; M is to be left alone"
    )


@pytest.mark.task("gd_inverse")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "torch.rand(n, n), and no torch.manual_seed inside: the caller decides about the seed."
)
def test_starts_from_random_numbers_that_follow_the_seed(student):
    """gd_inverse starts X from torch.rand, with other numbers after another torch.manual_seed."""
    call, starts = "gd_inverse(M, num_iterations=1, lr=1e-30), which hardly moves", []
    M = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    for seed in (1, 2):
        X, _ = results(student.seeded(seed).gd_inverse(M, num_iterations=1, lr=1e-30), call)
        starts.append(square(X, 3, call))
    inside = all(float(X.min()) >= 0 and float(X.max()) < 1 for X in starts)
    assert inside, f"{call}, returned X with entries outside [0, 1); expected those of torch.rand"
    apart = float((starts[0] - starts[1]).abs().max())
    assert apart > 1e-3, (
        f"{call}, returned the same X after torch.manual_seed(1) and torch.manual_seed(2). "
        "It looks as if your function sets the seed itself, or does not start from torch.rand"
    )


@pytest.mark.task("gd_inverse")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Work out the table of section 3 again, this time by the lines of your loop. (For the 1×1 matrix [[1]] it is the same table.)"
)
def test_three_steps_are_those_worked_out_by_hand(student, picture):
    """Three steps of gd_inverse are those of the table in section 3: errors 0.8, 0.48 and 0.128 of the first one."""
    start, inverse = start_of(student), torch.eye(2, dtype=torch.float64) / 2
    first = start - inverse
    assert float(first.abs().max()) > 1e-3, (
        "gd_inverse(M, num_iterations=1, lr=1e-30) returned the inverse; start from torch.rand"
    )
    errors, seen = [], []
    for steps in (1, 2, 3):
        X, _, call = twice_the_identity(student, steps)
        errors.append((X - inverse, call))
        seen.append(float(((X - inverse) * first).sum() / first.square().sum()))
    looks = [
        words
        for other, words in OTHERWISE.items()
        if all(abs(a - b) < 2e-3 for a, b in zip(seen, other, strict=True))
    ]
    why = f". It looks as if {looks[0]}" if looks else ""
    for (error, call), factor, hand in zip(errors, seen, BY_HAND, strict=True):
        picture.compare(yours=error + inverse, expected=hand * first + inverse, name=call)
        gap = float((error - hand * first).abs().max())
        what = f"is {factor:.3f} times" if abs(factor - hand) >= 5e-4 else "is no multiple of"
        assert gap < 1e-3, (
            f"{call}: the error X - M⁻¹ {what} that of the start; expected {hand} times{why}"
        )


@pytest.mark.task("gd_inverse")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "In an iteration: compute the loss, put it on the list, then move X. Whose loss is the first one on the list?"
)
def test_the_first_loss_is_that_of_the_start(student, picture):
    """loss_history holds the mean squared entry of X M - I before each step, that of the random start first."""
    identity = torch.eye(2, dtype=torch.float64)
    last, losses, call = twice_the_identity(student, 2)
    places = [start_of(student), twice_the_identity(student, 1)[0], last]
    exact = [float((2 * X - identity).square().mean()) for X in places]
    losses = numbers(losses, 2, call)
    picture.curve(yours=losses, reference=exact[:2], name="loss")

    def are(numbers):
        return all(abs(a - b) <= 1e-3 * b for a, b in zip(losses, numbers, strict=True))

    why = ""
    if are(exact[1:]):
        why = ". It looks as if the loss is recorded after the step"
    elif are([value**0.5 for value in exact[:2]]):
        why = ". It looks as if a root is taken"
    elif are([4 * value for value in exact[:2]]):
        why = ". It looks as if the squares are summed up, and not divided by their number"
    for step, (loss, right) in enumerate(zip(losses, exact, strict=False)):
        assert abs(loss - right) <= 1e-3 * right, (
            f"{call}: loss_history[{step}] is {loss:.4g}, and your X after {step} steps has the loss {right:.4g}{why}"
        )


@pytest.mark.task("gd_inverse")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Print the loss every 50 iterations. Does it fall? Multiply your X by M: how far is that from torch.eye(2)?"
)
def test_finds_the_inverse_of_a_small_matrix(student, picture):
    """gd_inverse finds the inverse of [[1, -2], [2, 0]] within 300 iterations at lr 0.5."""
    M, call = torch.tensor([[1.0, -2.0], [2.0, 0.0]]), "gd_inverse(M, num_iterations=300, lr=0.5)"
    inverse = torch.tensor([[0.0, 0.5], [-0.5, 0.25]], dtype=torch.float64)
    X, _ = results(student.gd_inverse(M, num_iterations=300, lr=0.5), call)
    square(X, 2, call)
    picture.compare(yours=X, expected=inverse, name=call)
    gap = float((X - inverse).abs().max())
    turned = float((X - inverse.T).abs().max()) < 1e-3
    why = ". It looks as if X is the transpose of the inverse" if turned else ""
    what = f"{call} for M = [[1, -2], [2, 0]]: X differs from the inverse, [[0, 0.5], [-0.5, 0.25]], by up to {gap:.2g}"
    assert gap < 1e-3, f"{what}; expected less than 0.001{why}"


@pytest.mark.task("gd_inverse")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Compare the two numbers in M.shape before anything else, and `raise ValueError(...)` where they differ."
)
def test_refuses_a_matrix_that_is_not_square(student):
    """gd_inverse raises ValueError for a matrix that is not square, be it wide or tall."""
    for shape in ((3, 2), (1, 4)):
        names = raised(student.gd_inverse, torch.ones(shape))
        assert names, f"gd_inverse returned for an M of shape {shape}; expected ValueError"
        assert "ValueError" in names, (
            f"gd_inverse raised {names[0]} for an M of shape {shape}; expected ValueError"
        )
