"""Hidden checks of gd_inverse: start, steps and record are compared with the rule, from the
student's own start. What each tolerance is worth, and why so many steps: design.md.
"""

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
    sensitivity,
)

SIDES = ("X M", "M X")  # which product is compared with the identity is the student's choice
NEAR = 1e-4  # X after few steps, as a part of the largest entry of M and X on the way
ARRIVED = 1e-9  # a loss that descent does not reach within a hundred steps, and a library does
FAR = 1e-2  # ... after the 10,000 steps of the default
DEFAULT = {"num_iterations": 10000, "lr": 0.9, "momentum": 0.9}


# --- the rule -------------------------------------------------------------------------------------


def residual(X, M, side):
    return (X @ M if side == "X M" else M @ X) - torch.eye(M.shape[0], dtype=torch.float64)


def loss_of(X, M, side):
    """The mean squared difference of the product and the identity."""
    return float((residual(X, M.double(), side) ** 2).mean())


def descend(X, M, steps, lr, momentum, side):
    """X after `steps` steps of the rule, in float64.

    A step is linear in X and in the velocity V, which begins at zero: [X V I] times a fixed matrix.
    So many steps are so high a power of it, which costs the same for 3 and for 10,000.
    """
    if side == "M X":
        return descend(X.T, M.T, steps, lr, momentum, "X M").T
    M, n = M.double(), M.shape[0]
    one, none = torch.eye(n, dtype=torch.float64), torch.zeros(n, n, dtype=torch.float64)
    of_X, of_I = 2 / n**2 * M @ M.T, -2 / n**2 * M.T  # the gradient is X of_X + I of_I
    step = torch.cat(
        [
            torch.cat([one - lr * of_X, of_X, none], dim=1),
            torch.cat([-lr * momentum * one, momentum * one, none], dim=1),
            torch.cat([-lr * of_I, of_I, one], dim=1),
        ]
    )
    state = torch.cat([X.double(), none, one], dim=1)
    return (state @ torch.linalg.matrix_power(step, steps))[:, :n]


# --- matrices -------------------------------------------------------------------------------------


def matrix_of(draw, n):
    """n×n, well conditioned: singular values between 1 and 2.5, the largest at least 2."""
    return draw.spectrum(
        n, n, [draw.number(2.0, 2.5)] + [draw.number(1.0, 2.0) for _ in range(n - 1)]
    )


def uneven(draw):
    """4×4 with entries of both signs, among them a zero, a small one and a large one."""
    M = draw.uniform(4, 4, low=0.3, high=1.2) * (2 * draw.mask(4, 4, hidden=8).float() - 1)
    for place, factor in zip(
        draw.uniform(16).argsort()[:3].tolist(), (0.0, 0.01, 3.0), strict=True
    ):
        M.view(-1)[place] *= factor
    return M


def diagonal(draw, n):
    """n×n with entries of both signs on the diagonal, and zeros elsewhere."""
    signs = torch.where(torch.arange(n) % 2 == 0, 1.0, -1.0)
    return torch.diag(signs * draw.uniform(n, low=1.0, high=2.0))


def slow_matrix(draw):
    """2×2, of both signs like its inverse, so badly conditioned that the default goes half-way.

    In the direction of the small singular value s, a step goes lr·(s²/2) / (1 − momentum) of the
    way, that is 4.5 s² of it.
    """
    return draw.until(
        lambda: draw.spectrum(2, 2, (draw.number(1.8, 2.4), draw.number(0.0035, 0.006))),
        lambda M: all(float(X.min()) < -0.1 < 0.1 < float(X.max()) for X in (M, M.inverse())),
    )


# --- the calls ------------------------------------------------------------------------------------


def run(student, M, call, **options):
    """X as float64 and the loss history of one call; `call` is how messages name it."""
    n, steps = M.shape[0], options["num_iterations"]
    value = student.gd_inverse(M.clone(), **options)
    X, losses = items(value, 2, f"{call} ... (X, loss_history)")
    what = f"{call} returned loss_history"
    if str(losses) != f"list of {steps} items":  # so many tensors do not cross the line
        losses = history(losses, steps, what)
    return matrix(X, (n, n), f"{call} returned X"), losses


def start_of(student, M, **options):
    """The student's own start: one step that is too small to change anything."""
    call = f"gd_inverse(M, num_iterations=1, lr={STANDSTILL:g}), which hardly moves,"
    return run(student, M, call, **options, num_iterations=1, lr=STANDSTILL)[0]


def follows(student, M, steps, lr, momentum, tolerance, picture=None, again=False):
    """Fail unless X is where the rule leads from the student's own start in so many steps; `again`:
    in the second of two calls, whatever its losses are.
    """
    call = f"gd_inverse(M, num_iterations={steps}, lr={lr:.2g}, momentum={momentum:.3g})"
    start = start_of(student, M, momentum=momentum)
    leaves_an_inverse(start, M, call)
    options = {"num_iterations": steps, "lr": lr, "momentum": momentum}
    if again:
        call = f"the second of two calls {call}"
        value = student.twice().gd_inverse(M.clone(), **options)
        X, losses = items(value, 2, f"{call} ... (X, loss_history)")
        X = matrix(X, tuple(M.shape), f"{call} returned X")
    else:
        X, losses = run(student, M, call, **options)
    if picture is not None:
        picture.curve(yours=losses, floor=0.0, name="the loss at the defaults, from the start on")
    targets = [descend(start, M, steps, lr, momentum, side) for side in SIDES]
    scale = max(1.0, *(float(target.abs().max()) for target in targets))
    nearest = min(targets, key=lambda target: difference(X, target))
    what = f"{call}: X is not where {steps} steps of the rule lead from its start"
    close(X / scale, nearest / scale, tolerance, what)


def leaves_an_inverse(start, M, call):
    """Fail for a start at the inverse, except for 1×1, where a multiple of Mᵀ may be just that."""
    arrived = len(M) > 1 and max(loss_of(start, M, side) for side in SIDES) < 1e-4
    expect(not arrived, f"{call}: X starts at the inverse; start from torch.rand")


def is_on_its_way(student, M, steps):
    """Fail where the second of two calls ends at the inverse, from where so many steps at lr 0.005
    are far. Steps of another kind, which other checks are for, cost nothing here.
    """
    options = {"num_iterations": steps, "lr": 0.005, "momentum": DEFAULT["momentum"]}
    call = f"the second of two calls gd_inverse(M, num_iterations={steps}, lr=0.005)"
    leaves_an_inverse(start_of(student, M), M, call)
    value = student.twice().gd_inverse(M.clone(), **options)
    X, _ = items(value, 2, f"{call} ... (X, loss_history)")
    X = matrix(X, tuple(M.shape), f"{call} returned X")
    loss = max(loss_of(X, M, side) for side in SIDES)
    what = f"{call}: X has a loss of {loss:.2g}, where no {steps} steps of the rule arrive"
    expect(loss > ARRIVED, what)


def nearly_there(start, M):
    """After how many steps of the rule the loss is small, and X still away from the inverse: by
    6e-4 or more, whichever product is compared, in 300 draws.
    """
    for steps in range(20, 200):
        X = descend(start, M, steps, 0.9, 0.9, SIDES[0])
        if loss_of(X, M, SIDES[0]) < 1e-4:
            return steps
    return 200


# --- the checks -----------------------------------------------------------------------------------


@pytest.mark.task("gd_inverse")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Where does X come from before the first step? torch.rand(n, n) gives entries between 0 and 1."
)
def test_starts_from_random_numbers_whatever_the_matrix(student, draw):
    """gd_inverse starts X from torch.rand, whatever M is: a tiny learning rate leaves it there."""
    there = student.seeded(draw.seed())
    A, B = matrix_of(draw, 10), draw.spectrum(10, 10, (2.0, 1.0))  # B has no inverse, but a start
    first = start_of(there, A)
    fresh_start((first,), ("X",), "gd_inverse with a tiny lr")
    what = "X starts differently for another M after the same torch.manual_seed"
    close(start_of(there, B), first, 1e-6, what)


@pytest.mark.task("gd_inverse")
@pytest.mark.points(2.5)
@pytest.mark.hint(
    "Work out gradient, velocity and X for a 2×2 matrix on paper. Nothing may hold the steps back, "
    "not even where they lead away or hardly gain; and after the last one X is left as it is."
)
def test_each_step_is_that_of_the_rule(student, draw):
    """gd_inverse takes each step by the rule, velocity and all, and no other: where it diverges,
    however fast, close to the inverse, where each step gains next to nothing, and where hardly any
    of the velocity is lost.
    """
    momentum, beyond, steps = draw.number(0.3, 0.8), draw.number(1.3, 1.6), draw.integer(8, 12)

    def rate(M):  # beyond the limit of stability, 2 (1 + momentum) over the largest curvature
        largest = 2 / M.numel() * float(torch.linalg.matrix_norm(M.double(), ord=2)) ** 2
        return beyond * 2 * (1 + momentum) / largest

    def well_conditioned(M):
        X = draw.uniform(4, 4)
        targets = [descend(X, M, steps, rate(M), momentum, side) for side in SIDES]
        scale = min(float(target.abs().max()) for target in targets)

        def moved(side):
            return sensitivity(lambda X, M: descend(X, M, steps, rate(M), momentum, side), X, M)

        return rate(M) > 1.2 and scale > 50 and max(map(moved, SIDES)) < scale * NEAR / 2

    M, there = draw.until(lambda: uneven(draw), well_conditioned), student.seeded(draw.seed())
    follows(there, M, steps, rate(M), momentum, NEAR)
    M = matrix_of(draw, 3)
    follows(there, M, nearly_there(start_of(there, M), M), 0.9, 0.9, NEAR)
    M = draw.spectrum(2, 2, (draw.number(1.8, 2.4), draw.number(1e-4, 2e-4)))
    follows(there, M, draw.integer(301, 331), 0.9, 0.9, NEAR)
    follows(there, matrix_of(draw, 3), 3, draw.number(1e4, 9e4), draw.number(0.3, 0.8), NEAR)
    follows(there, matrix_of(draw, 3), 40, 0.3, draw.number(0.992, 0.998), NEAR)
    follows(there, matrix_of(draw, 7), 24, 0.9, 0.9, NEAR, again=True)


@pytest.mark.task("gd_inverse")
@pytest.mark.points(1)
@pytest.mark.hint(
    "Which X does the docstring ask for: the one with the smallest loss, or the one after "
    "num_iterations steps?"
)
def test_goes_on_where_the_loss_is_zero(student, draw):
    """gd_inverse takes all its steps, also where the first one hits the inverse of a 1×1 matrix and
    the velocity leads on.
    """
    m = -draw.number(0.3, 0.6)
    M, there, lr = torch.full((1, 1), m), student.seeded(draw.seed()), 1 / (2 * m**2)
    follows(there, M, draw.integer(4, 8), lr, draw.number(0.4, 0.8), NEAR)
    call = f"gd_inverse(M, num_iterations=2, lr={lr:.2g}, momentum=0) on a 1×1 matrix"
    X, _ = run(there, M, call, num_iterations=2, lr=lr, momentum=0.0)
    what = f"{call} leaves the inverse again; without momentum the second step stands still"
    close(float(X) * m, 1.0, NEAR, what)


@pytest.mark.task("gd_inverse")
@pytest.mark.points(10.5)
@pytest.mark.hint(
    "On a matrix with a small singular value the default is not enough to arrive. Is every step of "
    "your loop the same step, the last one too?"
)
def test_the_default_number_of_steps_follows_the_rule(student, draw, picture):
    """The 10,000 steps of gd_inverse at the defaults end where the rule leads: for a badly
    conditioned matrix, half-way. A hundred have not arrived either, where a matrix is larger, or
    diagonal, whatever was called before.
    """
    M, there = slow_matrix(draw), student.seeded(draw.seed())
    rate, momentum = DEFAULT["lr"], DEFAULT["momentum"]
    follows(there, M, DEFAULT["num_iterations"], rate, momentum, FAR, picture)
    is_on_its_way(there, matrix_of(draw, 7), 100)
    is_on_its_way(there, diagonal(draw, 4), 60)


@pytest.mark.task("gd_inverse")
@pytest.mark.points(2)
@pytest.mark.hint(
    "In which order does your loop compute the loss, record it and change X? Whose loss is the "
    "first one on the list?"
)
def test_loss_history_holds_the_loss_before_each_step(student, draw):
    """loss_history holds the mean squared difference of X M (or M X) and the identity before each
    step of its own call, also where it rises or has become small.
    """
    there, lr = student.seeded(draw.seed()), draw.number(0.4, 0.8)
    holds_the_losses(there, matrix_of(draw, 4), lr)
    holds_the_losses(there, matrix_of(draw, 4), draw.number(2e4, 3e4))  # the first step leads away
    size = draw.number(0.6, 1.2)  # ... and here almost to the inverse, as all curvatures are alike
    holds_the_losses(there, size * draw.orthonormal(2, 2), 0.99 * 2 / size**2)
    holds_later_losses(there, matrix_of(draw, 3), draw.integer(201, 231))


def holds_later_losses(student, M, steps):
    """Fail unless a run that ends where the rule ends, which other checks see to, records on its
    way the losses of the student's own X, or those of the rule.
    """
    rates = {"lr": 0.02, "momentum": 0.5}
    call = f"gd_inverse(M, num_iterations={steps}, lr=0.02, momentum=0.5)"
    start = start_of(student, M)
    X, losses = run(student, M, call, num_iterations=steps, **rates)

    def place(side, taken):
        return descend(start, M, taken, **rates, side=side)

    ends = [side for side in SIDES if difference(X, place(side, steps)) < NEAR]
    for taken in (3, steps // 2) if ends else ():
        own, _ = run(student, M, call, num_iterations=taken, **rates)
        places = [own, *(place(side, taken) for side in ends)]
        right = [loss_of(X, M, side) for X in places for side in SIDES]
        gap = min(abs(losses[taken] - loss) / loss for loss in right)
        off = f"loss_history[{taken}] is off by {gap:.2g} of the loss of X after {taken} steps"
        expect(gap < 1e-3, f"{call}: {off}")


def holds_the_losses(student, M, lr):
    """Fail unless the second of two calls of two steps records the losses of the student's own X
    before and after the first step.
    """
    one, two = (f"gd_inverse(M, num_iterations={steps}, lr={lr:.2g})" for steps in (1, 2))
    places = [start_of(student, M), run(student, M, one, num_iterations=1, lr=lr)[0]]
    call = f"the second of two calls {two}"
    _, losses = run(student.twice(), M, call, num_iterations=2, lr=lr)

    def gaps(side):
        exact = [loss_of(X, M, side) for X in places]
        return [abs(loss - right) / right for loss, right in zip(losses, exact, strict=True)]

    recorded = min(SIDES, key=lambda side: max(gaps(side)))
    for step, gap in enumerate(gaps(recorded)):
        expect(
            gap < 1e-3,
            f"{call}: loss_history[{step}] is off by {gap:.2g} of the loss of X after {step} steps",
        )
    size = max(1.0, float(places[1].abs().max()))
    down = [
        side
        for side in SIDES
        if difference(places[1], descend(places[0], M, 1, lr, 0.9, side)) < NEAR * size
    ]
    mixed = recorded not in (down or SIDES)
    what = (
        f"X goes down the loss of {' and '.join(down)}, and loss_history holds that of {recorded}"
    )
    expect(not mixed, f"{call}: {what}")


@pytest.mark.task("gd_inverse")
@pytest.mark.points(0.5)
@pytest.mark.hint("Compare your `def` line with the one that you were given.")
def test_defaults_are_those_of_the_stub(student, draw):
    """gd_inverse takes 10,000 iterations at lr=0.9 and momentum=0.9 where the caller does not say
    otherwise.
    """
    defaults = student.defaults("gd_inverse")
    order = [name for name in defaults if name in DEFAULT]
    expect(
        order == list(DEFAULT),
        f"gd_inverse takes {', '.join(order)}, in another order than the stub",
    )
    for name, expected in DEFAULT.items():
        got = defaults[name]
        said = got is not None or name == "num_iterations"  # None may be filled in by the body
        expect(
            got == expected or not said,
            f"gd_inverse has {name}={got} by default; expected {expected}",
        )
    M, there = matrix_of(draw, 3), student.seeded(draw.seed())
    count = type(defaults["num_iterations"])(3)  # 3.0 where the default is 1e4: it must do
    plain, _ = run(there, M, f"gd_inverse(M, num_iterations={count})", num_iterations=count)
    if None in (defaults[name] for name in DEFAULT):
        call = "gd_inverse(M, num_iterations=3, lr=0.9, momentum=0.9)"
        said, _ = run(there, M, call, num_iterations=3, lr=0.9, momentum=0.9)
        close(plain, said, 1e-6, f"gd_inverse(M, num_iterations=3) differs from {call}")
