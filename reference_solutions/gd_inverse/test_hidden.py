"""Hidden checks of gd_inverse: its start, steps and record are each compared with the rule, from the student's own start."""

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
    unchanged,
)

SIDES = ("X M", "M X")  # which product is compared with the identity is the student's choice


def run(student, M, call, **options):
    """X as float64 and the loss history of one call; `call` is how messages name it."""
    n, steps = M.shape[0], options["num_iterations"]
    X, losses = items(student.gd_inverse(M.clone(), **options), 2, f"{call} ... (X, loss_history)")
    return matrix(X, (n, n), f"{call} returned X"), history(losses, steps, f"{call} returned loss_history")


def residual(X, M, side):
    return (X @ M if side == "X M" else M @ X) - torch.eye(M.shape[0], dtype=torch.float64)


def loss_of(X, M, side):
    """The mean squared difference of the product and the identity."""
    return float((residual(X, M.double(), side) ** 2).mean())


def descend(X, M, steps, lr, momentum, side):
    """X after `steps` steps of the rule, in float64."""
    M = M.double()
    velocity = torch.zeros_like(X)
    for _ in range(steps):
        R = residual(X, M, side)
        velocity = momentum * velocity + 2 / R.numel() * (R @ M.T if side == "X M" else M.T @ R)
        X = X - lr * velocity
    return X


def matrix_of(draw, n):
    """n×n, well conditioned: singular values between 1 and 2.5, the largest at least 2."""
    return draw.spectrum(n, n, [draw.number(2.0, 2.5)] + [draw.number(1.0, 2.0) for _ in range(n - 1)])


def follows(X, start, M, steps, lr, momentum, call, tolerance=1e-4):
    """Fail unless X is where `steps` steps of the rule lead from `start`, which must not be the inverse already."""
    expect(
        max(loss_of(start, M, side) for side in SIDES) > 1e-4,
        f"{call}: with lr=0 X is the inverse already; start from torch.rand",
    )
    targets = [descend(start, M, steps, lr, momentum, side) for side in SIDES]
    nearest = min(targets, key=lambda target: difference(X, target))
    close(
        X,
        nearest,
        tolerance,
        f"{call}: X is not where {steps} step{'s' * (steps > 1)} of the rule lead{'s' * (steps == 1)} from its start",
    )


@pytest.mark.task("gd_inverse")
@pytest.mark.points(1)
@pytest.mark.hint("Where does X come from before the first step? torch.rand(n, n) gives entries between 0 and 1.")
def test_starts_from_random_numbers_whatever_the_matrix(student, draw):
    """gd_inverse starts X from torch.rand, whatever M is: with lr=0 it stays there."""
    call, seed = "gd_inverse(M, num_iterations=1, lr=0)", draw.seed()
    A, B = matrix_of(draw, 10), draw.spectrum(10, 10, (2.0, 1.0))  # B has no inverse, and descent a start all the same
    first, _ = run(student.seeded(seed), A, call, num_iterations=1, lr=0.0)
    fresh_start((first,), ("X",), call)
    second, _ = run(student.seeded(seed), B, call, num_iterations=1, lr=0.0)
    close(second, first, 1e-6, f"{call}: X starts differently for another M after the same torch.manual_seed")
    third, _ = run(student.seeded(seed + 1), A, call, num_iterations=1, lr=0.0)
    expect(difference(first, third) > 1e-3, f"{call}: X is the same after another torch.manual_seed; start it from torch.rand")
    run(student, torch.ones(1, 1), f"{call} on a 1×1 matrix:", num_iterations=1, lr=0.0)


@pytest.mark.task("gd_inverse")
@pytest.mark.points(1.5)
@pytest.mark.hint(
    "Work out the gradient of the mean for a 2×2 matrix on paper, and compare it with what your code subtracts from X."
)
def test_one_step_goes_down_the_gradient(student, draw):
    """One iteration of gd_inverse moves X by lr times the gradient of the mean squared difference."""
    seed, lr, momentum = draw.seed(), draw.number(0.4, 0.8), draw.number(0.3, 0.8)
    M, there = matrix_of(draw, 3), student.seeded(seed)
    call = f"gd_inverse(M, num_iterations=1, lr={lr:.2f}, momentum={momentum:.2f})"
    start, _ = run(there, M, call, num_iterations=1, lr=0.0, momentum=momentum)
    X, _ = run(there, M, call, num_iterations=1, lr=lr, momentum=momentum)
    follows(X, start, M, 1, lr, momentum, call)


@pytest.mark.task("gd_inverse")
@pytest.mark.points(4)
@pytest.mark.hint(
    "Write down the velocity after the first, the second and the third step. What is multiplied by `momentum`, and what by `lr`?"
)
def test_the_velocity_carries_over_from_step_to_step(student, draw):
    """In several iterations of gd_inverse the velocity is `momentum` times the one before, plus the gradient."""
    M, scale, there = matrix_of(draw, 3), draw.number(1.5, 2.0), student.seeded(draw.seed())
    few = M, 4, draw.number(0.4, 0.7), draw.number(0.4, 0.7)
    away = scale * torch.eye(3), 3, 2.3 * 9 / (2 * scale**2), 0.0  # each step overshoots: the last X counts, not the best
    for M, steps, lr, momentum in (few, away):
        start, _ = run(there, M, "gd_inverse(M, num_iterations=1, lr=0)", num_iterations=1, lr=0.0)
        call = f"gd_inverse(M, num_iterations={steps}, lr={lr:.2g}, momentum={momentum:.2g})"
        X, _ = run(there, M, call, num_iterations=steps, lr=lr, momentum=momentum)
        follows(X, start, M, steps, lr, momentum, call)


@pytest.mark.task("gd_inverse")
@pytest.mark.points(6)
@pytest.mark.hint("Small steps do not arrive even after 200 of them. Is every step of your loop the same step, the last one too?")
def test_many_small_steps_follow_the_rule(student, draw):
    """Some 200 small steps of gd_inverse are as many steps of the rule, and end where these end: short of the inverse."""
    M, there = draw.spectrum(3, 3, (2.2, 1.5, 0.8)), student.seeded(draw.seed())
    steps, lr = draw.integer(150, 250), draw.number(0.004, 0.006)
    call = f"gd_inverse(M, num_iterations={steps}, lr={lr:.2g}, momentum=0.9)"
    start, _ = run(there, M, f"gd_inverse(M, num_iterations={steps}, lr=0)", num_iterations=1, lr=0.0)
    X, _ = run(there, M, call, num_iterations=steps, lr=lr, momentum=0.9)
    follows(X, start, M, steps, lr, 0.9, call, tolerance=5e-5)


@pytest.mark.task("gd_inverse")
@pytest.mark.points(2)
@pytest.mark.hint(
    "In which order does your loop compute the loss, record it and change X? Whose loss is the first one on the list?"
)
def test_loss_history_holds_the_loss_before_each_step(student, draw):
    """loss_history holds the mean squared difference of X M (or M X) and the identity before each step of its own call."""
    M, there = matrix_of(draw, 4), student.seeded(draw.seed())
    call = "the second of two calls gd_inverse(M, num_iterations=3, lr=0.6)"
    places = [run(there, M, call, num_iterations=1, lr=0.0)[0]]
    places += [run(there, M, f"gd_inverse(M, num_iterations={n}, lr=0.6)", num_iterations=n, lr=0.6)[0] for n in (1, 2)]
    _, losses = run(there.twice(), M, call, num_iterations=3, lr=0.6)

    def gaps(side):
        return [abs(loss - loss_of(X, M, side)) / loss_of(X, M, side) for X, loss in zip(places, losses, strict=True)]

    recorded = min(SIDES, key=lambda side: max(gaps(side)))
    for step, gap in enumerate(gaps(recorded)):
        expect(gap < 1e-3, f"{call}: loss_history[{step}] is off by {gap:.2g} of the loss of X after {step} steps")
    descended = [side for side in SIDES if difference(places[1], descend(places[0], M, 1, 0.6, 0.9, side)) < 1e-4]
    mixed = recorded not in (descended or SIDES)
    expect(not mixed, f"{call}: X goes down the loss of {' and '.join(descended)}, and loss_history holds that of {recorded}")


@pytest.mark.task("gd_inverse")
@pytest.mark.points(0.5)
@pytest.mark.hint("What is X M for the X that you return? Which entries of it should be 1, and which 0?")
def test_converges_to_the_inverse(student, draw):
    """gd_inverse comes to the inverse of a well-conditioned 4×4 matrix step by step: it is there after 400, not after 2."""
    M, there = matrix_of(draw, 4), student.seeded(draw.seed())
    early, _ = run(there, M, "gd_inverse(M, num_iterations=2)", num_iterations=2)
    late, _ = run(there, M, "gd_inverse(M, num_iterations=400)", num_iterations=400)
    exact = torch.linalg.inv(M.double())
    close(late, exact, 5e-5, "gd_inverse(M, num_iterations=400): X is not the inverse of M")
    gap = difference(early, exact)
    expect(gap > 1e-3, "gd_inverse(M, num_iterations=2): X is already the inverse, which two steps of descent cannot reach")


@pytest.mark.task("gd_inverse")
@pytest.mark.points(1)
@pytest.mark.hint(
    "How many steps does your loop take when num_iterations is 5? Does any of them depend on how many are still to come?"
)
def test_more_iterations_continue_fewer(student, draw):
    """A longer run of gd_inverse begins with the losses of a shorter one from the same start, and they change on the way."""
    M, there = matrix_of(draw, 3), student.seeded(draw.seed())
    _, short = run(there, M, "gd_inverse(M, num_iterations=4, lr=0.1)", num_iterations=4, lr=0.1)
    _, long = run(there, M, "gd_inverse(M, num_iterations=12, lr=0.1)", num_iterations=12, lr=0.1)
    same = all(abs(a - b) <= 1e-5 * max(1.0, abs(a)) for a, b in zip(short, long, strict=False))
    expect(same, "gd_inverse(M, num_iterations=12, lr=0.1) does not begin with the losses of the same call with num_iterations=4")
    expect(
        abs(long[-1] - long[0]) > 1e-6,
        "gd_inverse(M, num_iterations=12, lr=0.1) recorded the same loss in the end as at the start",
    )


@pytest.mark.task("gd_inverse")
@pytest.mark.points(0.5)
@pytest.mark.hint("Operations that end in an underscore, and -=, +=, *=, change a tensor in place.")
def test_the_matrix_is_left_alone(student, draw):
    """gd_inverse does not change the M that it is given."""
    M = matrix_of(draw, 3)
    unchanged(student.call("gd_inverse", M.clone(), num_iterations=3), M)


@pytest.mark.task("gd_inverse")
@pytest.mark.points(0.5)
@pytest.mark.hint("Compare your `def` line with the one that you were given.")
def test_defaults_are_those_of_the_stub(student, draw):
    """gd_inverse takes 10,000 iterations at lr=0.9 and momentum=0.9 where the caller does not say otherwise."""
    M, there = matrix_of(draw, 3), student.seeded(draw.seed())
    plain, _ = run(there, M, "gd_inverse(M, num_iterations=3)", num_iterations=3)
    said, _ = run(there, M, "gd_inverse(M, num_iterations=3, lr=0.9, momentum=0.9)", num_iterations=3, lr=0.9, momentum=0.9)
    close(plain, said, 1e-6, "gd_inverse(M, num_iterations=3) differs from the same call with lr=0.9, momentum=0.9")
    defaults = there.defaults("gd_inverse")
    default = defaults.get("num_iterations")
    expect(default == 10000, f"gd_inverse has num_iterations={default} by default; expected 10000")
    order = [name for name in defaults if name in ("num_iterations", "lr", "momentum")]
    expect(order == ["num_iterations", "lr", "momentum"], f"gd_inverse takes {', '.join(order)}, in another order than the stub")
