"""The hidden checks. Every rule is applied here, to the submission's own start, in float64; see
design.md for the tolerances, and for what the long runs cost and catch.
"""

from dataclasses import dataclass, replace
from operator import mul

import pytest
import torch

from autograder.vocabulary import (
    STANDSTILL,
    close,
    difference,
    expect,
    fresh_start,
    items,
    matrix,
    remembered,
    scalar,
    sensitivity,
    squared_error,
    truncated_svd,
    truncated_svd_error,
    unchanged,
)

TOLERANCE = 4e-5  # of a factor, relative where one of its entries is larger than 1
DIVERGED = 1e4  # factors beyond this are of no use
MOVES = 1e-4  # what a trained row moves by, at the least
SLOW = 1e-3  # what the last half of a slow run moves some entry by, at the least


# --- the rule and the submission ------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """One call: of sgd_factorise, or of sgd_factorise_masked where there is a mask M.

    slow: its last half still has to move the factors, or it decides nothing
    wild: it leads away from A as far as it likes; only what rounding does there is bounded
    """

    A: torch.Tensor
    rank: int
    epochs: int
    lr: float
    M: torch.Tensor | None = None
    slow: bool = False
    wild: bool = False

    @property
    def observed(self):
        return torch.ones_like(self.A, dtype=torch.bool) if self.M is None else self.M != 0

    def __str__(self):
        masked = "" if self.M is None else f", M with {int((self.M == 0).sum())} zeros"
        return f"A of shape {tuple(self.A.shape)}{masked}, rank {self.rank}, lr {self.lr:g}"


def factors(value, A, rank, call):
    """U and V of a returned pair, float64, of the right shapes and finite."""
    U, V = items(value, 2, f"{call}, expected (U, V)")
    m, n = A.shape
    return matrix(U, (m, rank), f"{call} returned U"), matrix(V, (n, rank), f"{call} returned V")


def train(student, run):
    """The submission's factors at the end of a run."""
    options = f"rank={run.rank}, num_epochs={run.epochs}, lr={run.lr:g}"
    given = {"num_epochs": run.epochs, "lr": run.lr}
    shape = tuple(run.A.shape)
    if run.M is None:
        value = student.sgd_factorise(run.A, run.rank, **given)
        call = f"sgd_factorise(A of shape {shape}, {options})"
    else:
        value = student.sgd_factorise_masked(run.A, run.M, run.rank, **given)
        call = f"sgd_factorise_masked(A of shape {shape}, M, {options})"
    return factors(value, run.A, run.rank, call)


def start_of(student, run):
    """Where the submission's factors start: one epoch at a learning rate that moves nothing."""
    return train(student, Run(run.A, run.rank, 1, STANDSTILL, run.M))


@remembered
def losses_of_the_rule(run, U, V):
    """What the update rule makes of the start (U, V), on Python floats: (U, V), and the squared
    error on the observed elements at the start and after every epoch.
    """
    u, v, entries = U.tolist(), V.tolist(), run.A.tolist()
    visits = [(entries[r][c], u[r], v[c]) for r, c in torch.argwhere(run.observed).tolist()]
    losses = [_error(visits)]
    for _ in range(run.epochs):
        for entry, row, column in visits:
            step = run.lr * (entry - sum(map(mul, row, column)))
            for i, (x, y) in enumerate(zip(row, column, strict=True)):
                row[i] = x + step * y
                column[i] = y + step * row[i]
        losses.append(_error(visits))
    exact = [torch.tensor(factor, dtype=torch.float64) for factor in (u, v)]
    return *exact, losses


def _error(visits):
    misses = [entry - sum(map(mul, row, column)) for entry, row, column in visits]
    return sum(map(mul, misses, misses))


def rule(run, U, V):
    """The factors that the update rule makes of the start (U, V)."""
    return losses_of_the_rule(run, U, V)[:2]


def never_trained(before, after, observed, least=0.0):
    """Which rows of the factors moved by no more than `least` though an element of theirs is
    observed, in words; "" for none.
    """
    parts = []
    for name, old, new, along in zip("UV", before, after, (1, 0), strict=True):
        idle = ((old - new).abs().amax(1) <= least) & observed.any(along)
        rows = [str(row) for row in idle.nonzero().flatten().tolist()]
        if rows:
            parts.append(f"row{'s' if len(rows) > 1 else ''} {', '.join(rows)} of {name}")
    several = len(parts) > 1 or (parts and parts[0].startswith("rows"))
    return f"{' and '.join(parts)} never change{'' if several else 's'}" if parts else ""


def decides(run, start):
    """Whether a run tells right from wrong: every observed row moves, and what float32 rounds away
    stays well within the tolerance.
    """
    expected = rule(run, *start)
    sizes = [max(1.0, float(factor.abs().max())) for factor in expected]
    size = max(sizes)
    if never_trained(start, expected, run.observed, MOVES):
        return False
    if run.wild:
        ends = lambda U, V: [one / much for one, much in zip(rule(run, U, V), sizes, strict=True)]  # noqa: E731
        return sensitivity(ends, *start) < TOLERANCE / 2
    if size > DIVERGED:
        return False
    if run.slow:
        half = rule(replace(run, epochs=run.epochs // 2), *start)
        if max(map(difference, half, expected)) < SLOW:
            return False
    return sensitivity(lambda U, V: rule(run, U, V), *start) < size * TOLERANCE / 2


def follows_the_rule(student, draw, make, lr=lambda run, start: run.lr, picture=None):
    """Fail unless the submission's factors are what the rule makes of its own start.

    make: draws runs on matrices of one shape; they share one start, seed and all are drawn anew
        until each of the runs decides
    lr: the learning rate of a run from this start
    picture: what shows where the runs begin and end
    """

    def inputs():
        seeded, runs = student.seeded(draw.seed()), make()
        start = start_of(seeded, runs[0])
        return seeded, [replace(run, lr=lr(run, start)) for run in runs], start

    def fine(drawn):
        return all(decides(run, drawn[2]) for run in drawn[1])

    seeded, runs, start = draw.until(inputs, fine)
    for run in runs:
        ends_where_the_rule_ends(seeded, run, start, picture)


def ends_where_the_rule_ends(student, run, start, picture):
    trained, (*expected, losses) = train(student, run), losses_of_the_rule(run, *start)
    if picture is not None:
        U, V = trained
        end = float(((run.A - U @ V.T)[run.observed] ** 2).sum())
        unknown, floor = [None] * (run.epochs - 1), truncated_svd_error(run.A, run.rank)
        yours = [losses[0], *unknown, end]
        picture.curve(
            yours=yours, reference=losses, floor=floor, name="squared error, start to end"
        )
    passes = "1 epoch" if run.epochs == 1 else f"{run.epochs} epochs"
    what = f"{run}: {passes} from your own start"
    idle = never_trained(start, trained, run.observed)
    expect(not idle, f"{what}: {idle}")
    for name, value, right in zip("UV", trained, expected, strict=True):
        size = max(1.0, float(right.abs().max()))
        wrong = f"{what} must be {passes} of the update rule, and {name} is not what the rule gives"
        close(value / size, right / size, TOLERANCE, wrong)


def rising(run, start):
    """A learning rate, as small as can be, at which the descent diverges: it is twice as far from A
    at the end as at the start, and its last but one epoch already takes it away.
    """
    rates = [round(0.05 * 1.05**power, 4) for power in range(75)]
    for rate in rates:
        losses = losses_of_the_rule(replace(run, lr=rate), *start)[2]
        if losses[-1] > 2 * losses[0] and losses[-2] > 1.1 * losses[-3]:
            return rate
    return rates[-1]


# --- what the rule is tried on --------------------------------------------------------------------


def mixed(draw, m, n):
    """Entries of both signs, with a zero, a large one of each sign and a small one among them, in
    places of their own.
    """
    A = draw.normal(m, n).flatten()
    special = torch.tensor([0.0, draw.number(3, 5), -draw.number(3, 5), draw.number(0.001, 0.01)])
    first = draw.integer(0, m * n)
    A[(first + 2 * torch.arange(4)) % (m * n)] = special
    return A.reshape(m, n)


def far(draw, m, n):
    """Entries of size 1.5 to 4.5 and of both signs, and a zero in the first place."""
    A = draw.uniform(m, n, low=1.5, high=4.5)
    A[:, draw.integer(0, n)] *= -1
    A[0, 0] = 0.0
    return A


def long_runs(draw, m, n, M=None):
    """As many epochs as by default at the rate by default, and some more at a larger one; with one
    observed element, close to 0, where the last epochs still move the factors, and a negative one.
    """
    slow, below = draw.uniform(m, n, low=0.0, high=0.1), draw.uniform(m, n, low=-2.5, high=-1.0)
    longest = Run(below, 1, draw.integer(1001, 1021), draw.number(0.02, 0.03), M)
    return [Run(slow, 1, 1000, 0.01, M, slow=True), longest]


def tiny_gains(draw, m, n, M=None):
    """A few epochs on large numbers; at the rate `hardly_gaining` the loss hardly changes."""
    return [Run(3000 * far(draw, m, n), 2, draw.integer(20, 26), 1e-8, M)]


def larger(draw, M=None):
    """Many passes at the default's rate over a matrix of more elements, rows and factors than the
    others have.
    """
    return [Run(far(draw, 6, 4), 4, 24, 0.01, M)]


def wild(draw, M=None):
    """One pass at a rate that no other run comes near. A has one row: the first element throws the
    factors far away, and the second one all the further.
    """
    m, n = (1, 2) if M is None else M.shape
    return [Run(far(draw, m, n) + 1.0, 2, 1, draw.number(3e5, 9e5), M, wild=True)]


def hardly_gaining(run, start):
    """A learning rate with which an epoch gains 8e-7 of the loss: more than rounding in float32
    hides, and less than a millionth.
    """
    before, after = losses_of_the_rule(replace(run, epochs=1), *start)[2]
    return float(f"{run.lr * 8e-7 * before / (before - after):.3g}")


def grows_beyond_all_bounds(student, A, *M):
    """Fail unless a rate that is far too large leads beyond all bounds, as the rule does."""
    name = "sgd_factorise_masked" if M else "sgd_factorise"
    call = f"{name} at lr 20 for 20 epochs"
    try:
        value = getattr(student, name)(A, *M, 2, num_epochs=20, lr=20.0)
    except Exception as error:
        if getattr(error, "outcome", "") == "raised":  # so large a number may be no float
            return
        raise
    shapes = [(size, 2) for size in A.shape]
    pair = zip("UV", items(value, 2, f"{call}, expected (U, V)"), shapes, strict=True)
    ends = [
        matrix(one, shape, f"{call} returned {name}", finite=False) for name, one, shape in pair
    ]
    bounded = all(bool(torch.isfinite(one).all()) for one in ends)
    expect(not bounded, f"{call}: the update rule leads beyond all bounds, and U and V are finite")


def documented_defaults(student, function, epochs):
    """Fail unless the function's defaults are those of its stub, in its order; so many epochs as a
    number of the default's own kind. A default of 1e3 is a float, and the function must take one.
    """
    defaults = student.defaults(function)
    for name, expected in (("num_epochs", 1000), ("lr", 0.01)):
        given = defaults.get(name)
        expect(
            given == expected, f"{function}: the default of {name} is {given}; expected {expected}"
        )
    order = [name for name in defaults if name in ("num_epochs", "lr")]
    said = f"{function} takes {', '.join(order)}, in another order than the stub"
    expect(order == ["num_epochs", "lr"], said)
    return type(defaults["num_epochs"])(epochs)


# --- sgd_factorise --------------------------------------------------------------------------------


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(1.5)
@pytest.mark.hint(
    "Compare your update with the rule term by term: sign, factor, order of the elements, which U "
    "goes into V's step. Does it hold for every number in A, and for every lr, whatever the loss?"
)
def test_epochs_follow_the_rule(student, draw):
    """An epoch of sgd_factorise is one update for every element of A, in row-major order, U before
    V, in a second call as in the first, and also where the loss rises or grows beyond all bounds.
    """
    once = lambda: [Run(mixed(draw, 7, 5), 2, 1, 0.05)]  # noqa: E731
    follows_the_rule(student.twice(), draw, once)
    follows_the_rule(student, draw, lambda: [Run(far(draw, 2, 2), 3, 3, 0.0)], lr=rising)
    follows_the_rule(student, draw, lambda: wild(draw))
    grows_beyond_all_bounds(student.seeded(draw.seed()), far(draw, 3, 2))


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(4)
@pytest.mark.hint(
    "Which of your loops does num_epochs govern? Is every pass the same as the one before it, the "
    "last one too, however many they are and however small the loss has become?"
)
def test_many_epochs_are_as_many_passes(student, draw, picture):
    """sgd_factorise makes exactly num_epochs passes over A, each going on where the one before it
    ended, however little it gains, however large A is, and whatever was called before.
    """
    follows_the_rule(student.twice(), draw, lambda: larger(draw), picture=picture)
    follows_the_rule(student, draw, lambda: tiny_gains(draw, 3, 2), lr=hardly_gaining)
    follows_the_rule(student, draw, lambda: long_runs(draw, 1, 1))


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Keep the first line of the function as it was given, and work on U and V, never on A."
)
def test_defaults_and_argument_are_kept(student, draw):
    """sgd_factorise has the documented defaults and leaves A as it was."""
    epochs, A = documented_defaults(student, "sgd_factorise", 2), mixed(draw, 2, 4)
    unchanged(student.call("sgd_factorise", A, 2, num_epochs=epochs, lr=0.05), A)


# --- truncated_svd and reconstruction_loss --------------------------------------------------------


@pytest.mark.task("truncated_svd")
@pytest.mark.points(2)
@pytest.mark.hint(
    "Multiply the first `rank` columns of U, values of S and rows of Vh. Try a tall A and a wide one."
)
def test_truncated_svd_is_the_best(student, draw):
    """truncated_svd is, for tall and wide matrices, the approximation with the smallest error that its rank allows."""
    for m, n, rank in ((5, 3, 1), (3, 5, 2)):
        A = draw.spectrum(m, n, (3.0, 1.5, 0.5))
        what = f"truncated_svd(A of shape {(m, n)}, rank={rank})"
        call = student.twice().call("truncated_svd", A, rank)
        R = matrix(call.value, (m, n), f"{what} returned a result")
        ratio = squared_error(A, R) / truncated_svd_error(A, rank)
        closer = f"{what} has {ratio:.4g} times the smallest squared error that rank {rank} allows (Eckart–Young)"
        expect(
            ratio > 0.99,
            f"{closer}: it is closer to A than any matrix of rank {rank} can be, so its rank is larger",
        )
        expect(ratio < 1.01, f"{closer}; expected 1")
        close(
            R,
            truncated_svd(A, rank),
            1e-4,
            f"{what} is not the SVD of A cut off after {rank} of its singular values",
        )
        unchanged(call, A)
    others_than_these(student, draw)
    A = draw.spectrum(3, 4, (3.0, 1.5, 0.002))
    what = "truncated_svd(A of shape (3, 4), rank=3), which is all of A,"
    R = matrix(student.truncated_svd(A, 3), (3, 4), f"{what} returned a result")
    close(R, A, 1e-4, f"{what} is not A")
    R = matrix(
        student.truncated_svd(2 * torch.eye(4, 3), 1),
        (4, 3),
        "truncated_svd of a matrix with equal singular values",
    )
    ratio = squared_error(2 * torch.eye(4, 3), R) / 8
    expect(
        abs(ratio - 1) < 0.01,
        f"truncated_svd of three equal singular values, rank=1, has {ratio:.4g} times the smallest error",
    )


def others_than_these(student, draw):
    """Fail unless truncated_svd is right for other shapes: square, of one row, and with many values to
    keep.
    """
    many = [5.0 - 0.5 * value for value in range(7)]
    given = (
        (draw.spectrum(4, 4, (3.0, 1.5, 0.5, 0.2)), 2, "a square A"),
        (draw.spectrum(1, 5, (3.0,)), 1, "an A of one row"),
        (draw.spectrum(7, 12, many), 6, "an A of shape (7, 12)"),
    )
    for A, rank, name in given:
        what = f"truncated_svd of {name}, rank={rank},"
        R = matrix(student.truncated_svd(A, rank), tuple(A.shape), f"{what} returned a result")
        wrong = f"{what} is not the SVD of A cut off after {rank} of its singular values"
        close(R, truncated_svd(A, rank), 1e-4, wrong)


@pytest.mark.task("reconstruction_loss")
@pytest.mark.points(1)
@pytest.mark.hint(
    "The squared Frobenius norm is a plain sum over all elements; and subtracting must not write into A."
)
def test_loss_of_any_two_matrices(student, draw):
    """reconstruction_loss is ‖A − R‖²_F for matrices with signs of both kinds, large and small, and leaves both as they were."""
    A = draw.normal(3, 5)
    R = A + 0.05 * draw.normal(3, 5)
    what = "reconstruction_loss(A, R) of two matrices of shape (3, 5)"
    call = student.twice().call("reconstruction_loss", A, R)
    ratio = scalar(call.value, f"{what} returned a result") / squared_error(A, R)
    expect(
        abs(ratio - 1) <= 1e-4,
        f"{what} is {ratio:.4g} times the sum of the squared differences; expected 1",
    )
    unchanged(call, A, R)
    for size, name in ((1e3, "large"), (1e-4, "small")):
        A, R = size * draw.normal(2, 3), size * draw.normal(2, 3)
        what = f"reconstruction_loss(A, R) of two matrices of {name} entries"
        got = scalar(student.reconstruction_loss(A, R), f"{what} returned a result")
        ratio = got / squared_error(A, R)
        expect(
            abs(ratio - 1) <= 1e-4,
            f"{what} is {ratio:.4g} times the sum of the squared differences; expected 1",
        )


# --- sgd_factorise_masked -------------------------------------------------------------------------

GAPS = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
CORNER = torch.tensor([[1, 1], [1, 0]])
RING = torch.tensor([[1, 1, 0], [1, 0, 1], [0, 1, 1]])
ONE_OF_TWO = torch.tensor([[True, False]])
SOME_HIDDEN = (torch.arange(24) % 5 < 4).reshape(6, 4)
FIRST_AND_LAST = torch.tensor([[True, False, True]])


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "U has a row for every row of A, V one for every column. Make both with torch.rand."
)
def test_masked_factors_start_from_torch_rand(student, draw):
    """sgd_factorise_masked starts U and V uniform on [0, 1)."""
    rank = 9  # it may be larger than the number of rows and of columns
    run = Run(draw.normal(8, 7), rank, 1, STANDSTILL, draw.mask(8, 7, hidden=9))
    start = start_of(student.seeded(draw.seed()), run)
    fresh_start(start, ("U", "V"), f"sgd_factorise_masked with lr={STANDSTILL:g}")


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(0.75)
@pytest.mark.hint(
    "The same loops and the same update as in sgd_factorise; an element where M is zero is passed "
    "over, the next one is not. An observed element may be any number, also 0."
)
def test_masked_epochs_follow_the_rule(student, draw):
    """An epoch of sgd_factorise_masked is one update for every observed element, in a second call
    as in the first, and also where the loss rises or grows beyond all bounds.
    """

    def once():
        A = mixed(draw, 4, 3)
        A[2, 0], A[3, 1] = 0.0, -draw.number(3, 5)  # observed: M says so, and not A
        return [Run(A, 3, 1, 0.05, GAPS)]

    follows_the_rule(student.twice(), draw, once)
    diverging = lambda: [Run(far(draw, 2, 2), 2, 3, 0.0, CORNER)]  # noqa: E731
    follows_the_rule(student, draw, diverging, lr=rising)
    follows_the_rule(student, draw, lambda: wild(draw, FIRST_AND_LAST))
    grows_beyond_all_bounds(student.seeded(draw.seed()), far(draw, 3, 3), RING)


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(3.5)
@pytest.mark.hint(
    "Which of your loops does num_epochs govern? Is every pass the same as the one before it, the "
    "last one too, however many they are and however small the loss has become?"
)
def test_many_masked_epochs_are_as_many_passes(student, draw):
    """sgd_factorise_masked makes exactly num_epochs passes over the observed elements, each going
    on where the last one ended, however little it gains, however large A is, and whatever was
    called before.
    """
    follows_the_rule(student.twice(), draw, lambda: larger(draw, SOME_HIDDEN))
    follows_the_rule(student, draw, lambda: tiny_gains(draw, 3, 3, RING), lr=hardly_gaining)
    follows_the_rule(student, draw, lambda: long_runs(draw, 1, 2, ONE_OF_TWO))


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(1)
@pytest.mark.hint(
    "NaN times 0 is NaN. Decide by M alone, before any arithmetic, whether to use an element: any value but 0 says yes."
)
def test_hidden_elements_have_no_influence(student, draw):
    """What A holds where M is zero does not change one bit of the result, whatever kind of numbers M is made of."""
    pattern = torch.tensor([[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=torch.bool)
    student, A = student.seeded(draw.seed()), draw.normal(4, 3)
    whole = torch.cat(train(student, Run(A, 2, 2, 0.05, pattern)))
    unknown = torch.where(pattern, A, torch.nan)
    unknown[1, 0] = draw.number(2, 4)  # what is hidden may be a number beside NaN, too
    numbers = torch.tensor([[2, 1, 1], [1, -1, 1], [3, 1, 2e-9], [1, 2, 1]])
    value = student.sgd_factorise_masked(unknown, numbers * pattern / 2, 2, num_epochs=2, lr=0.05)
    U, V = items(value, 2, "sgd_factorise_masked(A, M, rank=2), expected (U, V)")
    what = "with NaN where M is zero, and M of other values than 1, sgd_factorise_masked"
    U = matrix(U, (4, 2), f"{what} returned U", finite=False)
    V = matrix(V, (3, 2), f"{what} returned V", finite=False)
    got = torch.cat([U, V])
    spoilt = int(torch.isnan(got).sum())
    expect(spoilt == 0, f"{what} returned factors with {spoilt} of {got.numel()} elements NaN")
    other = f"{what} gives another result than with numbers there and a bool M; expected the same"
    expect(torch.equal(got, whole), other)
    changed = torch.where(torch.arange(12).reshape(4, 3) == 0, A + 1.0, A)
    moved = not torch.equal(torch.cat(train(student, Run(changed, 2, 2, 0.05, pattern))), whole)
    ignored = "gives the same result after an observed element of A was changed"
    expect(moved, f"sgd_factorise_masked {ignored}")


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(0.25)
@pytest.mark.hint(
    "Keep the first line of the function as it was given, and write into neither A nor M."
)
def test_masked_defaults_and_arguments_are_kept(student, draw):
    """sgd_factorise_masked has the documented defaults and leaves A and M as they were."""
    epochs = documented_defaults(student, "sgd_factorise_masked", 2)
    A, M = mixed(draw, 3, 4), 2 * draw.mask(3, 4, hidden=3).to(torch.float32)
    call = student.call("sgd_factorise_masked", A, M, 2, num_epochs=epochs, lr=0.05)
    unchanged(call, A, M)
