"""Checks that students get: run `pytest` in this folder, or the check cells of the notebook."""

import itertools
import math

import pytest
import torch

NO_STEP = {
    "num_iterations": 1,
    "lr": 1e-30,
}  # steps too small to change a float32: what comes back is the start


def results(value, shape, call):
    """The four results of a call on a matrix of `shape`; fails in words where they are not there."""
    m, n = shape
    assert isinstance(value, tuple | list) and len(value) == 4, (
        f"{call} returned {type(value).__name__}; expected (U, S, V, loss_history)"
    )
    U, S, V, loss_history = value
    for name, tensor, expected in (("U", U, (m, n)), ("S", S, (n,)), ("V", V, (n, n))):
        assert isinstance(tensor, torch.Tensor), (
            f"{call} returned {name} of type {type(tensor).__name__}; expected a torch.Tensor"
        )
        assert tensor.shape == expected, (
            f"{call} returned {name} of shape {tuple(tensor.shape)} for a {m}×{n} matrix; expected {expected}"
        )
        assert tensor.is_floating_point(), (
            f"{call} returned {name} of dtype {tensor.dtype}; expected a floating dtype"
        )
    assert isinstance(loss_history, tuple | list), (
        f"{call} returned loss_history of type {type(loss_history).__name__}; expected a list"
    )
    return U.detach().double(), S.detach().double(), V.detach().double(), loss_history


def numbers(loss_history, count, call):
    """The losses as floats; fails in words where they are not `count` finite ones."""
    assert len(loss_history) == count, (
        f"{call} returned {len(loss_history)} losses; expected {count}, one an iteration"
    )
    for loss in loss_history:
        plain = isinstance(loss, float | int) or (isinstance(loss, torch.Tensor) and loss.ndim == 0)
        assert plain, (
            f"loss_history holds a {type(loss).__name__}; expected floats (loss.item() makes one)"
        )
    losses = [float(loss) for loss in loss_history]
    wild = next((step for step, loss in enumerate(losses) if not math.isfinite(loss)), None)
    assert wild is None, (
        f"{call} diverged: from {losses[0]:.3g} the loss came to {losses[wild or 0]} in {wild} steps"
    )
    return losses


def rebuilt(U, S, V):
    """U diag(S) Vᵀ."""
    return (U * S) @ V.T


def gap_to_identity(Q):
    """The largest difference of QᵀQ and the identity; infinite where it is NaN."""
    return finite(float((Q.T @ Q - torch.eye(Q.shape[1], dtype=Q.dtype)).abs().max()))


def finite(gap):
    """NaN as infinity, which `min` and `<` understand."""
    return gap if math.isfinite(gap) else math.inf


def said(gap):
    """A gap in words."""
    return f"{gap:.2g}" if math.isfinite(gap) else "NaN (the descent diverged)"


def large_matrix():
    """4×4, entries around ±100: the fit to it outweighs any penalty. The sum of each row and column is 0, so S can go up or down."""
    M = 100 * torch.randn(4, 4, generator=torch.Generator().manual_seed(1))
    M = M - M.mean(0)
    return M - M.mean(1, keepdim=True)


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "For an m×n matrix U is m×n, S has n entries, V is n×n. Append one number to loss_history in every iteration."
)
def test_results_have_the_right_shapes(student):
    """gd_svd returns U, S and V of shapes (m, n), (n,) and (n, n), and one loss an iteration."""
    call = "gd_svd(M, num_iterations=5, lr=0.1)"
    *_, loss_history = results(
        student.gd_svd(torch.eye(4)[:, :3], num_iterations=5, lr=0.1), (4, 3), call
    )
    numbers(loss_history, 5, call)
    results(
        student.gd_svd(torch.ones(3, 1), num_iterations=1, lr=0.1),
        (3, 1),
        "gd_svd(M, num_iterations=1, lr=0.1)",
    )


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.25)
@pytest.mark.hint(
    "Operations that end in an underscore, and -=, +=, *=, /=, change a tensor in place. Work on a copy."
)
def test_the_argument_is_not_changed(student):
    """gd_svd leaves M as it was."""
    M = torch.tensor([[1.0, 0.5], [0.2, 1.5], [0.8, 0.3]])
    after = student.call("gd_svd", M.clone(), num_iterations=2, lr=0.1).arguments[0]
    same = isinstance(after, torch.Tensor) and after.shape == M.shape and bool((after == M).all())
    assert same, (
        "gd_svd(M, num_iterations=2, lr=0.1) changed the M that it was given; expected M as it was before the call"
    )


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.25)
@pytest.mark.hint(
    "What do U, S and V hold before the first step? The caller sets the seed with torch.manual_seed, not you."
)
def test_the_start_is_random_and_the_seed_is_the_callers(student):
    """gd_svd starts U, S and V from torch.rand: from other numbers after another torch.manual_seed, and the same after the same."""
    call, M = "gd_svd(M, num_iterations=1, lr=1e-30)", large_matrix()
    first, other, again = (
        results(student.seeded(seed).gd_svd(M.clone(), **NO_STEP), (4, 4), call)
        for seed in (0, 1, 0)
    )
    for name, one, two, three in zip(("U", "S", "V"), first, other, again, strict=False):
        low, high = float(one.min()), float(one.max())
        assert low >= 0 and high <= 1, (
            f"{call}: {name} goes from {low:.3g} to {high:.3g}; torch.rand gives numbers from 0 to 1, and so small an lr leaves them"
        )
        assert not torch.equal(one, two), (
            f"{call} starts with the same {name} after torch.manual_seed(0) and after torch.manual_seed(1). "
            "It looks as if your function set a seed itself, or as if the start were not random"
        )
        assert torch.equal(one, three), (
            f"{call} starts with another {name} each time, although torch.manual_seed(0) is called before. "
            "It looks as if the start did not come from torch"
        )


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "In which order does your loop compute the loss, record it and take a step? Print the loss every 10 iterations."
)
def test_the_loss_falls(student, picture):
    """The first of 50 losses that gd_svd records at lr 0.1 is that of the start, and descent gets below it."""
    M = -torch.tensor([[1.0, 0.5], [0.2, 1.5], [0.8, 0.3]])
    *_, loss_history = results(
        student.gd_svd(M.clone(), **NO_STEP), (3, 2), "gd_svd(M, num_iterations=1, lr=1e-30)"
    )
    (start,) = numbers(loss_history, 1, "gd_svd(M, num_iterations=1, lr=1e-30)")
    call = "gd_svd(M, num_iterations=50, lr=0.1)"
    *_, loss_history = results(student.gd_svd(M.clone(), num_iterations=50, lr=0.1), (3, 2), call)
    losses = numbers(loss_history, 50, call)
    picture.curve(yours=losses, name=call)
    assert abs(losses[0] - start) <= 1e-4 * abs(start), (
        f"{call}: the first loss is {losses[0]:.5g}, and that of the start is {start:.5g}. "
        "It looks as if the loss were recorded after the step, or as if the start did not follow torch.manual_seed"
    )
    assert min(losses) < losses[0], (
        f"{call}: the loss went from {losses[0]:.3g} to {losses[-1]:.3g} and was never below the first one"
    )


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "How far is U @ torch.diag(S) @ V.T from M? Which columns of U and V go with S[0]? And does your optimiser know of momentum?"
)
def test_the_product_rebuilds_a_small_matrix(student, picture):
    """From one of ten starts, U diag(S) Vᵀ of gd_svd rebuilds a small 4×3 matrix within 500 iterations at lr 0.3."""
    M = torch.tensor([[1.0, 0.4, 0.3], [0.5, 0.7, -0.2], [0.1, 0.6, 0.2], [-0.2, 0.3, 0.5]])
    call = "gd_svd(M, num_iterations=500, lr=0.3)"
    best, product = math.inf, None
    for seed in range(10):
        U, S, V, _ = results(
            student.seeded(seed).gd_svd(M.clone(), num_iterations=500, lr=0.3), (4, 3), call
        )
        gap = finite(float((rebuilt(U, S, V) - M.double()).abs().max()))
        if product is None or gap < best:
            best, product = gap, rebuilt(U, S, V)
        if best < 1e-2:
            return
    picture.compare(yours=product, expected=M, name="U @ torch.diag(S) @ V.T")
    assert best < 1e-2, (
        f"{call}: U @ torch.diag(S) @ V.T misses M by {said(best)} at best, from ten starts; expected less than 0.01"
    )


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.25)
@pytest.mark.hint(
    "Print U.T @ U and V.T @ V after the loop. Which terms of the loss make each of them the identity?"
)
def test_the_columns_of_both_become_orthonormal(student, picture):
    """From one of ten starts, the columns of U and those of V of gd_svd become orthonormal to within 0.01."""
    M = torch.tensor([[0.6, 0.6], [0.6, -0.6], [0.6, 0.6], [0.6, -0.6]])
    call = "gd_svd(M, num_iterations=500, lr=0.3)"
    best, crooked = math.inf, None
    for seed in range(10):
        U, _, V, _ = results(
            student.seeded(seed).gd_svd(M.clone(), num_iterations=500, lr=0.3), (4, 2), call
        )
        gaps = {"U": gap_to_identity(U), "V": gap_to_identity(V)}
        if crooked is None or max(gaps.values()) < best:
            best, crooked, last = max(gaps.values()), {"U": U, "V": V}, gaps
        if best < 1e-2:
            return
    name = max(last, key=last.get)
    Q = crooked[name]
    picture.compare(yours=Q.T @ Q, expected=torch.eye(2), name=f"{name}.T @ {name}")
    raise AssertionError(
        f"{call}: {name}.T @ {name} is off the identity by {said(best)} at best, from ten starts. {crookedness(Q)}"
    )


def crookedness(Q):
    """What it looks like where the columns of Q are not orthonormal."""
    products = Q.T @ Q
    lengths, angle = products.diagonal(), float(products[0, 1])
    if not bool(products.isfinite().all()):
        return "Does the loss fall?"
    if abs(angle) < 2e-2:
        return f"Its columns are orthogonal, and their squared lengths are {lengths[0]:.2f} and {lengths[1]:.2f}; expected 1"
    if float((lengths - 1).abs().max()) < 2e-2:
        return f"Its columns have length 1, and their product is {angle:.2f}; expected 0"
    return "It looks as if nothing in your loss asked its columns to be orthonormal"


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.25)
@pytest.mark.hint(
    "When an entry of S changes its place or its sign, what has to happen to its columns of U and V?"
)
def test_s_is_put_in_order_together_with_u_and_v(student, picture):
    """gd_svd returns S non-negative and descending, and what it returns after one step has the loss that a second step records."""
    M = large_matrix()
    one, two = "gd_svd(M, num_iterations=1, lr=1000)", "gd_svd(M, num_iterations=2, lr=1000)"
    *factors, history = results(
        student.gd_svd(M.clone(), **NO_STEP), (4, 4), "gd_svd(M, num_iterations=1, lr=1e-30)"
    )
    times = numbers(history, 1, "gd_svd(M, num_iterations=1, lr=1e-30)")[0] / (
        misfit(rebuilt(*factors), M) + 1e-30
    )  # 1 for a mean, mn for a sum
    for seed in range(4):
        there = student.seeded(seed)
        U, S, V, _ = results(there.gd_svd(M.clone(), num_iterations=1, lr=1000.0), (4, 4), one)
        assert float(S.min()) >= 0, f"{one} returned S = {rounded(S)}; expected no negative entries"
        assert bool((S[:-1] >= S[1:]).all()), (
            f"{one} returned S = {rounded(S)}; expected a descending order"
        )
        assert float(S[0]) > 0, f"{one} returned S = {rounded(S)}; expected S[0] above 0"
        history = results(there.gd_svd(M.clone(), num_iterations=2, lr=1000.0), (4, 4), two)[3]
        assert len(history) == 2, (
            f"{two} returned {len(history)} losses; expected 2, one an iteration"
        )
        loss = float(history[1])
        # M is so large that the loss is the fit, whatever the penalties weigh: so the loss tells which product it belongs to
        if not fits(rebuilt(U, S, V), M, loss, times):
            picture.compare(
                yours=rebuilt(U, S, V),
                expected=mended(U, S, V, M, loss, times)[1],
                name="U @ torch.diag(S) @ V.T",
            )
            raise AssertionError(
                f"the U, S and V that {one} returned have the loss {times * misfit(rebuilt(U, S, V), M):.3g}, and the second loss "
                f"that {two} records is {loss:.3g}; expected the same. {mended(U, S, V, M, loss, times)[0]}"
            )


def misfit(product, M):
    """The mean squared difference."""
    return float(((product - M.double()) ** 2).mean())


def fits(product, M, loss, times, tolerance=0.05):
    """Whether a loss is that of this product, penalties apart."""
    return (
        abs(times * misfit(product, M) - loss) <= tolerance * abs(loss) + 0.01
    )  # M is around 100: nothing is exact to less


def mended(U, S, V, M, loss, times):
    """What seems to have happened to U, S and V on their way out, with the product as it was before that."""
    n, alike = len(S), lambda product: fits(product, M, loss, times, 0.003)
    orders = [list(order) for order in itertools.permutations(range(n))]
    for product in (rebuilt(U, S, V.T), *(rebuilt(U[:, order], S[order], V.T) for order in orders)):
        if alike(product):
            return "It looks as if you returned Vᵀ in place of V", product
    for order in orders:
        if alike(rebuilt(U, S[order], V)):
            return (
                "It looks as if S had been sorted alone: U and V still have the old order",
                rebuilt(U, S[order], V),
            )
        if alike(rebuilt(U[:, order], S, V)) or alike(rebuilt(U, S, V[:, order])):
            return "It looks as if the columns of only one of U and V had gone with S", rebuilt(
                U, S, V[:, order]
            )
    for signs in itertools.product((1.0, -1.0), repeat=n):
        if alike(rebuilt(U, S * torch.tensor(signs, dtype=S.dtype), V)):
            what = "It looks as if entries of S had lost or got a sign without one of their columns (just one) changing its own"
            return what, rebuilt(U, S * torch.tensor(signs, dtype=S.dtype), V)
    return (
        "Is what you append to loss_history what you minimise, and is it computed before the step?",
        M,
    )


def rounded(S):
    return [round(x, 3) for x in S.tolist()]
