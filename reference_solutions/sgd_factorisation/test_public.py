"""The checks that you get: run `pytest` in this folder, or the check cells of the notebook."""

import pytest
import torch

STILL = 1e-30  # a learning rate that changes nothing: what comes back is your own start


def factors(value, m, n, rank, call):
    """U and V as float64 tensors, after making sure that this is what `call` returned."""
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    assert pair, f"{call} returned {type(value).__name__}; expected two tensors (U, V)"
    for name, factor, rows in (("U", value[0], m), ("V", value[1], n)):
        assert isinstance(factor, torch.Tensor), (
            f"{call}: {name} is {type(factor).__name__}; expected a torch.Tensor"
        )
        turned = "; it looks as if it was transposed" if factor.shape == (rank, rows) else ""
        assert factor.shape == (rows, rank), (
            f"{call}: {name} has shape {tuple(factor.shape)}; expected {(rows, rank)}{turned}"
        )
        assert factor.is_floating_point(), (
            f"{call}: {name} has dtype {factor.dtype}; expected a floating dtype"
        )
    return [factor.detach().to(torch.float64) for factor in value]


def by_hand(a, u, v, lr, old=False):
    """The numbers u and v after one update for the element a, at rank 1; `old`: with a slip, the old u in v's step."""
    miss = a - float(u) * float(v)
    moved = u + lr * miss * v
    return moved, v + lr * miss * (u if old else moved)


def down_a_column(u, v, old=False):
    """One pass over the column (2, 0, 1.5), update by update: every row of A has its u, all of them share the one v."""
    (first, second, third), (shared,) = u, v
    first, shared = by_hand(2.0, first, shared, 0.1, old)
    second, shared = by_hand(0.0, second, shared, 0.1, old)
    third, shared = by_hand(1.5, third, shared, 0.1, old)
    return torch.stack([first, second, third]), shared[None]


def along_a_row(u, v, old=False):
    """One pass over the row (2, 0, 1.5): every column of A has its v, all of them share the one u."""
    (shared,), (first, second, third) = u, v
    shared, first = by_hand(2.0, shared, first, 0.1, old)
    shared, second = by_hand(0.0, shared, second, 0.1, old)
    shared, third = by_hand(1.5, shared, third, 0.1, old)
    return shared[None], torch.stack([first, second, third])


def idle_rows(name, before, after):
    """Which rows of a factor are still as they started, in words; "" for none."""
    rows = [str(row) for row in range(len(before)) if torch.equal(before[row], after[row])]
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(rows)} of {name}" if rows else ""


def same(value, expected):
    return torch.allclose(value.to(torch.float64), expected.to(torch.float64), rtol=0, atol=1e-4)


def rounded(tensor):
    """A tensor's elements as text, to four decimals."""
    return str([[round(element, 4) for element in row] for row in tensor.tolist()])


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(1)
@pytest.mark.hint(
    "U has a row for every row of A, V one for every column of A. Make both with torch.rand; set no seed yourself."
)
def test_factors_start_from_torch_rand(student):
    """sgd_factorise returns U (m×rank) and V (n×rank), which start uniform on [0, 1) and follow the seed."""
    starts = {}
    for seed in (1, 2):
        call = f"sgd_factorise(A of shape (8, 7), rank=6, num_epochs=1, lr={STILL})"
        value = student.seeded(seed).sgd_factorise(torch.ones(8, 7), 6, num_epochs=1, lr=STILL)
        U, V = factors(value, 8, 7, 6, call)
        for name, factor in (("U", U), ("V", V)):
            inside = bool(((factor >= 0) & (factor < 1)).all())
            assert inside, (
                f"{call}: {name} does not start between 0 and 1; start it from torch.rand"
            )
            alike = factor.numel() - len(set(factor.flatten().tolist()))
            assert alike < 3, (
                f"{call}: elements of {name} start equal to each other; start it from torch.rand"
            )
        starts[seed] = torch.cat([U, V])
    low, high = (
        float(extreme(torch.cat([*starts.values()]))) for extreme in (torch.min, torch.max)
    )
    spread = f"the 180 elements of two starts lie between {low:.2g} and {high:.2g}; use the numbers of torch.rand as they are"
    assert low < 0.25 and high > 0.75, spread
    assert not torch.equal(starts[1], starts[2]), (
        "seeds 1 and 2 give the same start; do not set the seed inside the function"
    )


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Do the step with pen and paper: first the error e, then U, then V from the new U."
)
def test_one_update_as_by_hand(student, picture):
    """One update changes U first, by lr·e·V, and then V, by lr·e·U with the new U."""
    call = "sgd_factorise([[2.0]], rank=1, num_epochs=1, lr=0.1)"
    A = torch.tensor([[2.0]])
    u, v = factors(student.sgd_factorise(A, 1, num_epochs=1, lr=STILL), 1, 1, 1, call)
    U, V = factors(student.sgd_factorise(A, 1, num_epochs=1, lr=0.1), 1, 1, 1, call)
    new_u, new_v = by_hand(2.0, u, v, 0.1)
    start = f"{call} from your own start U = {rounded(u)}, V = {rounded(v)}"
    idle = [name for name, old, new in (("U", u, U), ("V", v, V)) if torch.equal(old, new)]
    picture.compare(
        yours=torch.cat([U, V]),
        expected=torch.cat([new_u, new_v]),
        name="U and V after one update of [[2.0]]",
    )
    assert not idle, (
        f"{start} left {' and '.join(idle)} as it was; expected one step (num_epochs=1 means one pass)"
    )
    uphill = (
        "; it looks as if the step goes uphill: mind the sign" if same(U, 2 * u - new_u) else ""
    )
    slip = (
        "; it looks as if V's step uses the old U"
        if same(V, by_hand(2.0, u, v, 0.1, old=True)[1])
        else ""
    )
    assert same(U, new_u), f"{start} returned U = {rounded(U)}; expected {rounded(new_u)}{uphill}"
    assert same(V, new_v), f"{start} returned V = {rounded(V)}; expected {rounded(new_v)}{slip}"


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Three loops: the epochs, the rows of A, the columns of A; none counts the rank. Each update uses what the one before it left."
)
def test_two_epochs_reach_every_element(student, picture):
    """Two epochs of sgd_factorise update for every element of A in its turn, twice, and leave A as it was."""
    for numbers, one_pass in (
        ([[2.0], [0.0], [1.5]], down_a_column),
        ([[2.0, 0.0, 1.5]], along_a_row),
    ):
        A = torch.tensor(numbers)
        m, n = A.shape
        call = f"sgd_factorise({numbers}, rank=1, num_epochs=2, lr=0.1)"
        u, v = factors(student.sgd_factorise(A, 1, num_epochs=1, lr=STILL), m, n, 1, call)
        run = student.call("sgd_factorise", A, 1, num_epochs=2, lr=0.1)
        U, V = factors(run.value, m, n, 1, call)
        once = one_pass(u, v)
        twice, slip = one_pass(*once), one_pass(*one_pass(u, v, old=True), old=True)
        picture.compare(
            yours=torch.cat([U, V]),
            expected=torch.cat(twice),
            name=f"U and V after two epochs on {numbers}",
        )
        finite = bool(torch.isfinite(torch.cat([U, V])).all())
        assert finite, (
            f"{call} returned NaN or infinity: the descent diverged, as it does where steps go uphill"
        )
        idle = " and ".join(filter(None, (idle_rows("U", u, U), idle_rows("V", v, V))))
        guess = "it looks as if a loop counts the rank (here 1) where it should count the rows or columns of A"
        assert not idle, f"{call} never changed {idle}: {guess}"
        why = ""
        if same(U, once[0]) and same(V, once[1]):
            why = "; it looks as if there was one pass instead of two"
        elif same(U, slip[0]) and same(V, slip[1]):
            why = "; it looks as if V's step uses the old U"
        start = f"{call} from your own start U = {rounded(u)}, V = {rounded(v)}"
        assert same(U, twice[0]), (
            f"{start} returned U = {rounded(U)}; expected {rounded(twice[0])}{why}"
        )
        assert same(V, twice[1]), (
            f"{start} returned V = {rounded(V)}; expected {rounded(twice[1])}{why}"
        )
        assert torch.equal(run.arguments[0], A), (
            f"{call} changed A; work on U and V, and leave A as it was"
        )


@pytest.mark.task("truncated_svd")
@pytest.mark.points(1)
@pytest.mark.hint(
    "torch.linalg.svd returns U, S and Vh; Vh is V transposed already. Which columns and rows belong to S[:rank]?"
)
def test_truncated_svd_of_a_small_matrix(student, picture):
    """truncated_svd keeps the largest singular value of a 2×3 matrix worked out by hand (its two are 30 and 15)."""
    A = torch.tensor([[4.0, 14.0, 16.0], [22.0, 2.0, 13.0]])
    expected = torch.tensor([[12.0, 6.0, 12.0], [16.0, 8.0, 16.0]])
    call = "truncated_svd([[4, 14, 16], [22, 2, 13]], rank=1)"
    run = student.call("truncated_svd", A, 1)
    R = run.value
    assert isinstance(R, torch.Tensor), (
        f"{call} returned {type(R).__name__}; expected one torch.Tensor"
    )
    picture.compare(yours=R, expected=expected, name="truncated_svd(A, 1)")
    assert R.shape == (2, 3), f"{call} returned shape {tuple(R.shape)}; expected (2, 3)"
    assert R.is_floating_point(), f"{call} returned dtype {R.dtype}; expected a floating dtype"
    looks = {
        "nothing was left out": A,
        "the smallest singular value was kept, and the largest left out": A - expected,
        "the singular value is missing from the product": expected / 30,
    }
    R = R.detach().to(torch.float32)
    why = "".join(
        f"; it looks as if {words}"
        for words, wrong in looks.items()
        if torch.allclose(R, wrong, rtol=0, atol=1e-3)
    )
    right = torch.allclose(R, expected, rtol=0, atol=1e-3)
    assert right, f"{call} returned {rounded(R)}; expected {rounded(expected)}{why}"
    assert torch.equal(run.arguments[0], A), f"{call} changed A; leave it as it was"


@pytest.mark.task("reconstruction_loss")
@pytest.mark.points(1)
@pytest.mark.hint("Subtract, square every element, add them all up: no mean, no square root.")
def test_loss_adds_up_the_squares(student):
    """reconstruction_loss is the sum of the squares of all elements of A − R, as a 0-d tensor."""
    A = torch.tensor([[1.0, 2.0, 0.0], [3.0, 4.0, 5.0]])
    R = torch.tensor([[1.0, 0.0, 1.0], [0.0, 4.0, 7.0]])
    call = "reconstruction_loss([[1, 2, 0], [3, 4, 5]], [[1, 0, 1], [0, 4, 7]])"
    run = student.call("reconstruction_loss", A, R)
    loss = run.value
    assert isinstance(loss, torch.Tensor), (
        f"{call} returned {type(loss).__name__}; expected a 0-d torch.Tensor"
    )
    assert loss.shape == (), (
        f"{call} returned shape {tuple(loss.shape)}; expected a 0-d tensor, of shape ()"
    )
    assert loss.is_floating_point(), (
        f"{call} returned dtype {loss.dtype}; expected a floating dtype"
    )
    looks = {
        "mean of the squares": 3.0,
        "norm, the root of the sum": 18**0.5,
        "sum of the absolute values": 8.0,
    }
    why = "".join(
        f"; that is the {words}"
        for words, wrong in looks.items()
        if abs(float(loss) - wrong) < 1e-3
    )
    assert abs(float(loss) - 18.0) < 1e-4, (
        f"{call} returned {float(loss):g}; expected 2² + 1² + 3² + 2² = 18{why}"
    )
    kept = torch.equal(run.arguments[0], A) and torch.equal(run.arguments[1], R)
    assert kept, (
        f"{call} changed A or R; A -= R writes into the caller's A, A - R makes a new tensor"
    )


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Inside the loop, skip the element unless M is not zero there. Compare numbers with !=, not with `is not`."
)
def test_only_observed_elements_train(student):
    """Where M is zero nothing is learned: with one observed element, only its row of U and its row of V leave the start."""
    A = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [3.0, 2.0, 1.0]])
    M = torch.zeros(4, 3, dtype=torch.int64)
    M[2, 1] = 1
    call = "sgd_factorise_masked(A, M, rank=2, num_epochs=1, lr=0.05) with M zero but for M[2, 1]"
    start = factors(
        student.seeded(1).sgd_factorise_masked(A, M, 2, num_epochs=1, lr=STILL), 4, 3, 2, call
    )
    before = factors(student.sgd_factorise_masked(A, M, 2, num_epochs=1, lr=STILL), 4, 3, 2, call)
    after = factors(student.sgd_factorise_masked(A, M, 2, num_epochs=1, lr=0.05), 4, 3, 2, call)
    for name, old, new, observed in (("U", before[0], after[0], 2), ("V", before[1], after[1], 1)):
        changed = [row for row in range(len(old)) if not torch.equal(old[row], new[row])]
        assert changed == [observed], (
            f"{call}: the rows of {name} that changed are {changed}; expected [{observed}]"
        )
        zeroed = [row for row in range(len(new)) if not new[row].any()]
        assert not zeroed, (
            f"{call}: rows {zeroed} of {name} are zero; a row without an observed element stays as it started"
        )
    other = not torch.equal(start[0], before[0])
    assert other, (
        f"{call}: two seeds give the same start; it comes from torch.rand, and the function sets no seed"
    )


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Ask M, before any arithmetic, whether to use an element. NaN times 0 is NaN, and every value of M but 0 says yes."
)
def test_nan_may_hide_where_the_mask_is_zero(student, picture):
    """Hidden elements may be NaN, any value of M but zero says "observed" (here 2, −1 and 0.5), and A and M stay as they were."""
    nan = float("nan")
    A = torch.tensor([[2.0, nan], [nan, 0.0], [1.5, nan]])
    M = torch.tensor([[2.0, 0.0], [0.0, -1.0], [0.5, 0.0]])
    call = f"sgd_factorise_masked({A.tolist()}, {M.tolist()}, rank=1, num_epochs=1, lr=0.1)"
    u, v = factors(
        student.sgd_factorise_masked(torch.ones(3, 2), M, 1, num_epochs=1, lr=STILL), 3, 2, 1, call
    )
    run = student.call("sgd_factorise_masked", A, M, 1, num_epochs=1, lr=0.1)
    U, V = factors(run.value, 3, 2, 1, call)
    first, left = by_hand(2.0, u[0], v[0], 0.1)
    second, right = by_hand(0.0, u[1], v[1], 0.1)
    third, left = by_hand(1.5, u[2], left, 0.1)
    new_u, new_v = torch.stack([first, second, third]), torch.stack([left, right])
    picture.compare(
        yours=torch.cat([U, V]),
        expected=torch.cat([new_u, new_v]),
        name="U and V after one masked epoch",
    )
    spoilt = int(torch.isnan(torch.cat([U, V])).sum())
    assert not spoilt, (
        f"{call} returned {spoilt} NaN: it looks as if a hidden element was computed with (NaN times 0 is NaN)"
    )
    idle = " and ".join(filter(None, (idle_rows("U", u, U), idle_rows("V", v, V))))
    guess = "M is 2, −1 and 0.5 at the three observed elements, and each of these says observed, not only a 1"
    assert not idle, (
        f"{call} never changed {idle}: {guess}; and each row of A has to be reached, whatever the rank"
    )
    start = f"{call} from your own start U = {rounded(u)}, V = {rounded(v)}"
    step = "; the mask is right, it is the step that is not as in sgd_factorise"
    assert same(U, new_u), f"{start} returned U = {rounded(U)}; expected {rounded(new_u)}{step}"
    assert same(V, new_v), f"{start} returned V = {rounded(V)}; expected {rounded(new_v)}{step}"
    for name, given, left_behind in (("A", A, run.arguments[0]), ("M", M, run.arguments[1])):
        kept = torch.equal(torch.nan_to_num(given, 9.0), torch.nan_to_num(left_behind, 9.0))
        assert kept, f"{call} changed {name}; leave it as it was, and write into U and V alone"
