"""The hidden checks. Every rule is applied here, to the submission's own start, in float64; see design.md for the tolerances."""

import pytest
import torch

from autograder.vocabulary import (
    close,
    expect,
    fresh_start,
    items,
    matrix,
    scalar,
    squared_error,
    truncated_svd,
    truncated_svd_error,
    unchanged,
)

STEP_TOLERANCE = 1e-5
PATH_TOLERANCE = 2e-5  # after as many epochs as MANY
MANY = 110
BEST_FACTOR = 1.2
COMPLETION_TOLERANCE = 0.05


def factors(value, A, rank, call):
    """U and V of a returned pair, float64, of the right shapes and finite."""
    U, V = items(value, 2, f"{call}, expected (U, V)")
    m, n = A.shape
    return matrix(U, (m, rank), f"{call} returned U"), matrix(V, (n, rank), f"{call} returned V")


def train(student, A, rank, epochs, lr, M=None):
    """The factors of one call of sgd_factorise, or of sgd_factorise_masked where there is a mask."""
    options = f"rank={rank}, num_epochs={epochs}, lr={lr:g}"
    if M is None:
        value = student.sgd_factorise(A, rank, num_epochs=epochs, lr=lr)
        return factors(value, A, rank, f"sgd_factorise(A of shape {tuple(A.shape)}, {options})")
    value = student.sgd_factorise_masked(A, M, rank, num_epochs=epochs, lr=lr)
    return factors(value, A, rank, f"sgd_factorise_masked(A of shape {tuple(A.shape)}, M, {options})")


def rule(A, U, V, epochs, lr, M=None):
    """What the update rule makes of the start (U, V) in so many epochs, on Python floats."""
    m, n = A.shape
    entries, u, v = A.tolist(), U.tolist(), V.tolist()
    observed = torch.ones(m, n, dtype=torch.bool).tolist() if M is None else (M != 0).tolist()
    for _ in range(epochs):
        for r in range(m):
            for c in range(n):
                if observed[r][c]:
                    e = entries[r][c] - sum(a * b for a, b in zip(u[r], v[c], strict=True))
                    u[r] = [a + lr * e * b for a, b in zip(u[r], v[c], strict=True)]
                    v[c] = [b + lr * e * a for a, b in zip(u[r], v[c], strict=True)]
    return torch.tensor(u, dtype=torch.float64), torch.tensor(v, dtype=torch.float64)


def never_trained(before, after, M=None):
    """Which rows of the factors are still as they started though an element of theirs is observed, in words; "" for none."""
    parts = []
    for name, old, new, along in zip("UV", before, after, (1, 0), strict=True):
        observed = torch.ones(len(old), dtype=torch.bool) if M is None else (M != 0).any(along)
        rows = [str(row) for row in range(len(old)) if observed[row] and torch.equal(old[row], new[row])]
        if rows:
            parts.append(f"row{'s' if len(rows) > 1 else ''} {', '.join(rows)} of {name}")
    several = len(parts) > 1 or (parts and parts[0].startswith("rows"))
    return f"{' and '.join(parts)} never change{'' if several else 's'}" if parts else ""


def follows_the_rule(student, A, rank, epochs, M=None, lr=0.05, tolerance=STEP_TOLERANCE):
    """Fail unless the submission's factors are what the rule makes of its own start; gives that start."""
    start = train(student, A, rank, epochs, 0.0, M)
    trained = train(student, A, rank, epochs, lr, M)
    expected = rule(A, *start, epochs, lr, M)
    mask = "" if M is None else f", M {'all ones' if bool((M != 0).all()) else f'with {int((M == 0).sum())} zeros'}"
    passes = "1 epoch" if epochs == 1 else f"{epochs} epochs"
    what = f"A of shape {tuple(A.shape)}{mask}, rank {rank}, lr {lr:g}: {passes} from your own start"
    idle = never_trained(start, trained, M)
    expect(not idle, f"{what}: {idle}")
    for name, value, right in zip("UV", trained, expected, strict=True):
        close(value, right, tolerance, f"{what} must be {passes} of the update rule, and {name} is not what the rule gives")
    return start


def has_the_documented_defaults(student, function):
    """Fail unless the function's defaults are those of its stub."""
    defaults = student.defaults(function)
    for name, expected in (("num_epochs", 1000), ("lr", 0.01)):
        given = defaults.get(name)
        expect(given == expected, f"{function}: the default of {name} is {given}; expected {expected}")


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(2)
@pytest.mark.hint(
    "Compare your update with the rule term by term: sign, factor, order of the elements, which U goes into V's step."
)
def test_one_epoch_follows_the_rule(student, draw):
    """One epoch of sgd_factorise is one update for every element of A, in row-major order, U before V."""
    A = draw.uniform(7, 5, high=2.0)
    A[2, 1] = 0.0
    follows_the_rule(student.seeded(draw.seed()), A, 2, 1)


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(2)
@pytest.mark.hint("Which of your loops does num_epochs govern? Is every pass the same as the one before it, the last one too?")
def test_many_epochs_are_as_many_passes(student, draw):
    """sgd_factorise makes exactly num_epochs passes over A, each going on where the one before it ended."""
    epochs = draw.integer(MANY - 9, MANY + 1)
    follows_the_rule(student.seeded(draw.seed()), draw.uniform(3, 2, high=2.0), 2, epochs, tolerance=PATH_TOLERANCE)


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(1)
@pytest.mark.hint("U has as many rows as A, V as many as A has columns. Do your loops reach all of them?")
def test_every_row_is_trained(student, draw):
    """An epoch of sgd_factorise changes every row of U and every row of V."""
    student, A = student.seeded(draw.seed()), draw.uniform(4, 5, high=2.0)
    idle = never_trained(train(student, A, 2, 1, 0.0), train(student, A, 2, 1, 0.05))
    expect(not idle, f"sgd_factorise(A of shape (4, 5), rank=2, num_epochs=1, lr=0.05): {idle}")


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint("Print the loss after every epoch: does it fall, and does it stop falling too early?")
def test_comes_close_to_the_best_error(student, draw):
    """On a matrix close to rank 1, sgd_factorise ends near the smallest error that any factors of rank 1 can have."""
    A = draw.uniform(5, 1, low=0.8, high=1.5) * draw.uniform(1, 4, low=0.8, high=1.5) + draw.uniform(5, 4, high=0.2)
    U, V = train(student.seeded(draw.seed()), A, 1, 40, 0.05)
    ratio = squared_error(A, U @ V.T) / truncated_svd_error(A, 1)
    call = "sgd_factorise(A of shape (5, 4), rank=1, num_epochs=40, lr=0.05)"
    expect(ratio <= BEST_FACTOR, f"{call}: ‖A − UVᵀ‖² is {ratio:.4g} times the truncated SVD's; at most {BEST_FACTOR} is allowed")


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint("Keep the first line of the function as it was given, and work on U and V, never on A.")
def test_defaults_and_argument_are_kept(student, draw):
    """sgd_factorise has the documented defaults and leaves A as it was."""
    has_the_documented_defaults(student, "sgd_factorise")
    A = draw.uniform(2, 3)
    unchanged(student.call("sgd_factorise", A, 2, num_epochs=2, lr=0.05), A)


@pytest.mark.task("truncated_svd")
@pytest.mark.points(2)
@pytest.mark.hint("Multiply the first `rank` columns of U, values of S and rows of Vh. Try a tall A and a wide one.")
def test_truncated_svd_is_the_best(student, draw):
    """truncated_svd is, for tall and wide matrices, the approximation with the smallest error that its rank allows."""
    for m, n, rank in ((5, 3, 1), (3, 5, 2)):
        A = draw.spectrum(m, n, (3.0, 1.5, 0.5))
        what = f"truncated_svd(A of shape {(m, n)}, rank={rank})"
        call = student.call("truncated_svd", A, rank)
        R = matrix(call.value, (m, n), f"{what} returned a result")
        ratio = squared_error(A, R) / truncated_svd_error(A, rank)
        closer = f"{what} has {ratio:.4g} times the smallest squared error that rank {rank} allows (Eckart–Young)"
        expect(ratio > 0.99, f"{closer}: it is closer to A than any matrix of rank {rank} can be, so its rank is larger")
        expect(ratio < 1.01, f"{closer}; expected 1")
        close(R, truncated_svd(A, rank), 1e-4, f"{what} is not the SVD of A cut off after {rank} of its singular values")
        unchanged(call, A)
    R = matrix(student.truncated_svd(2 * torch.eye(4, 3), 1), (4, 3), "truncated_svd of a matrix with equal singular values")
    ratio = squared_error(2 * torch.eye(4, 3), R) / 8
    expect(
        abs(ratio - 1) < 0.01, f"truncated_svd of three equal singular values, rank=1, has {ratio:.4g} times the smallest error"
    )


@pytest.mark.task("reconstruction_loss")
@pytest.mark.points(1)
@pytest.mark.hint("The squared Frobenius norm is a plain sum over all elements; and subtracting must not write into A.")
def test_loss_of_any_two_matrices(student, draw):
    """reconstruction_loss is ‖A − R‖²_F for matrices with signs of both kinds, and leaves both as they were."""
    A = draw.normal(3, 5)
    R = A + 0.05 * draw.normal(3, 5)
    what = "reconstruction_loss(A, R) of two matrices of shape (3, 5)"
    call = student.call("reconstruction_loss", A, R)
    ratio = scalar(call.value, f"{what} returned a result") / squared_error(A, R)
    expect(abs(ratio - 1) <= 1e-4, f"{what} is {ratio:.4g} times the sum of the squared differences; expected 1")
    unchanged(call, A, R)


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(2)
@pytest.mark.hint(
    "The same loops and the same update as in sgd_factorise; an element where M is zero is passed over, the next one is not."
)
def test_masked_epochs_follow_the_rule(student, draw):
    """An epoch of sgd_factorise_masked is one update for every observed element, from a start of its own."""
    gaps = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    starts = []
    for m, n, rank, epochs, M in ((4, 3, 3, 1, gaps), (3, 5, 1, 2, draw.mask(3, 5, hidden=4))):
        A = draw.uniform(m, n, high=2.0)
        A[0, 0] = 0.0 if bool(M[0, 0]) else A[0, 0]  # a zero can be observed: M says so, and not A
        starts.append(follows_the_rule(student.seeded(draw.seed()), A, rank, epochs, M))
    starts.append(train(student.seeded(draw.seed()), draw.uniform(4, 3), 3, 1, 0.0, gaps))
    for start in starts:
        fresh_start(start, ("U", "V"), "sgd_factorise_masked with lr=0")
    seeded = not torch.equal(torch.cat(starts[0]), torch.cat(starts[2]))
    expect(seeded, "sgd_factorise_masked: two seeds give the same start; do not set the seed inside the function")


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(1.5)
@pytest.mark.hint("Which of your loops does num_epochs govern? Is every pass the same as the one before it, the last one too?")
def test_many_masked_epochs_are_as_many_passes(student, draw):
    """sgd_factorise_masked makes exactly num_epochs passes over the observed elements, each going on where the last one ended."""
    M = torch.tensor([[1, 1, 0], [1, 0, 1], [0, 1, 1]])
    A, epochs = draw.uniform(3, 3, high=2.0), draw.integer(MANY - 9, MANY + 1)
    follows_the_rule(student.seeded(draw.seed()), A, 2, epochs, M, tolerance=PATH_TOLERANCE)


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(1.5)
@pytest.mark.hint(
    "NaN times 0 is NaN. Decide by M alone, before any arithmetic, whether to use an element: any value but 0 says yes."
)
def test_hidden_elements_have_no_influence(student, draw):
    """What A holds where M is zero does not change one bit of the result, whatever kind of numbers M is made of."""
    pattern = torch.tensor([[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=torch.bool)
    student, A = student.seeded(draw.seed()), draw.uniform(4, 3, high=2.0)
    whole = torch.cat(train(student, A, 2, 2, 0.05, pattern))
    unknown = torch.where(pattern, A, torch.nan)
    numbers = torch.tensor([[2, 1, 1], [1, -1, 1], [3, 1, 1], [1, 2, 1]])
    kinds = {"bool": pattern, "float": numbers * pattern / 2}
    for kind, M in kinds.items():
        value = student.sgd_factorise_masked(unknown, M, 2, num_epochs=2, lr=0.05)
        U, V = items(value, 2, "sgd_factorise_masked(A, M, rank=2), expected (U, V)")
        what = f"with NaN where M is zero, and M of {kind} values, sgd_factorise_masked"
        got = [matrix(U, (4, 2), f"{what} returned U", finite=False), matrix(V, (3, 2), f"{what} returned V", finite=False)]
        got = torch.cat(got)
        spoilt = int(torch.isnan(got).sum())
        expect(spoilt == 0, f"{what} returned factors with {spoilt} of {got.numel()} elements NaN")
        expect(torch.equal(got, whole), f"{what} gives another result than with numbers there and a bool M; expected the same")
    other = torch.where(torch.arange(12).reshape(4, 3) == 0, A + 1.0, A)
    moved = not torch.equal(torch.cat(train(student, other, 2, 2, 0.05, pattern)), whole)
    expect(moved, "sgd_factorise_masked gives the same result after an observed element of A was changed")


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(0.5)
@pytest.mark.hint("At rank 1 the observed elements determine the others. Compare U Vᵀ with A on the observed ones first.")
def test_completes_a_matrix_of_rank_1(student, draw):
    """sgd_factorise_masked finds the hidden elements of a rank-1 matrix whose observed elements determine them."""
    whole = draw.uniform(4, 1, low=0.8, high=1.5) * draw.uniform(1, 6, low=0.8, high=1.5)
    M = torch.arange(4).reshape(4, 1) + torch.arange(6) < 6
    U, V = train(student.seeded(draw.seed()), torch.where(M, whole, 5.0), 1, 80, 0.1, M)
    errors = ((U @ V.T - whole) / whole).abs()
    seen, unseen = float(errors[M].max()), float(errors[~M].max())
    call = "sgd_factorise_masked(A of shape (4, 6) and rank 1, M with 6 zeros, rank=1, num_epochs=80, lr=0.1)"
    allowed = f"at most {COMPLETION_TOLERANCE:.0%} is allowed"
    expect(seen <= COMPLETION_TOLERANCE, f"{call}: U Vᵀ is up to {seen:.0%} off on the observed elements; {allowed}")
    expect(unseen <= COMPLETION_TOLERANCE, f"{call}: U Vᵀ is up to {unseen:.0%} off on the hidden elements; {allowed}")


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(0.5)
@pytest.mark.hint("Keep the first line of the function as it was given, and write into neither A nor M.")
def test_masked_defaults_and_arguments_are_kept(student, draw):
    """sgd_factorise_masked has the documented defaults and leaves A and M as they were."""
    has_the_documented_defaults(student, "sgd_factorise_masked")
    A, M = draw.uniform(3, 4), 2 * draw.mask(3, 4, hidden=3).to(torch.float32)
    unchanged(student.call("sgd_factorise_masked", A, M, 2, num_epochs=2, lr=0.05), A, M)
