"""Checks that students get: run `pytest` in this folder, or the check cells of the notebook."""

import math

import pytest
import torch


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
        assert tensor.is_floating_point(), f"{call} returned {name} of dtype {tensor.dtype}; expected a floating dtype"
    assert isinstance(loss_history, tuple | list), (
        f"{call} returned loss_history of type {type(loss_history).__name__}; expected a list"
    )
    return U.detach().double(), S.detach().double(), V.detach().double(), loss_history


def numbers(loss_history, count, call):
    """The losses as floats; fails in words where there are not `count` finite ones."""
    assert len(loss_history) == count, f"{call} returned {len(loss_history)} losses; expected {count}, one an iteration"
    for loss in loss_history:
        plain = isinstance(loss, float | int) or (isinstance(loss, torch.Tensor) and loss.ndim == 0)
        assert plain, f"loss_history holds a {type(loss).__name__}; expected floats (loss.item() makes one)"
        assert math.isfinite(float(loss)), "loss_history holds NaN or infinite values"
    return [float(loss) for loss in loss_history]


@pytest.mark.task("gd_svd")
@pytest.mark.points(1)
@pytest.mark.hint("For an m×n matrix U is m×n, S has n entries, V is n×n. Append one number to loss_history in every iteration.")
def test_results_have_the_right_shapes(student):
    """gd_svd returns U, S and V of shapes (m, n), (n,) and (n, n), and one loss an iteration."""
    call = "gd_svd(M, num_iterations=5, lr=0.1)"
    *_, loss_history = results(student.gd_svd(torch.eye(4)[:, :3], num_iterations=5, lr=0.1), (4, 3), call)
    numbers(loss_history, 5, call)


@pytest.mark.task("gd_svd")
@pytest.mark.points(0.5)
@pytest.mark.hint("Print the loss every 10 iterations. If it grows from the start, which sign has your step?")
def test_the_loss_falls(student):
    """The last of 50 losses that gd_svd records at lr 0.1 is less than half of the first."""
    M = -torch.tensor([[1.0, 0.5], [0.2, 1.5], [0.8, 0.3]])
    call = "gd_svd(M, num_iterations=50, lr=0.1)"
    *_, loss_history = results(student.gd_svd(M, num_iterations=50, lr=0.1), (3, 2), call)
    losses = numbers(loss_history, 50, call)
    assert losses[-1] < losses[0] / 2, f"the loss went from {losses[0]:.3g} to {losses[-1]:.3g}; expected less than half"


@pytest.mark.task("gd_svd")
@pytest.mark.points(1)
@pytest.mark.hint(
    "How far is U @ torch.diag(S) @ V.T from M? Which columns of U and V go with S[0]? And does your optimiser know of momentum?"
)
def test_the_product_rebuilds_a_small_matrix(student):
    """From one of ten starts, U diag(S) Vᵀ of gd_svd rebuilds a small 4×3 matrix within 500 iterations at lr 0.3."""
    M = torch.tensor([[1.0, 0.4, 0.3], [0.5, 0.7, -0.2], [0.1, 0.6, 0.2], [-0.2, 0.3, 0.5]])
    call = "gd_svd(M, num_iterations=500, lr=0.3)"
    gaps = []
    for seed in range(10):
        U, S, V, _ = results(student.seeded(seed).gd_svd(M.clone(), num_iterations=500, lr=0.3), (4, 3), call)
        gap = float((U @ torch.diag(S) @ V.T - M.double()).abs().max())
        gaps.append(gap if math.isfinite(gap) else math.inf)
        if gap < 1e-2:
            return
    assert min(gaps) < 1e-2, (
        f"U @ torch.diag(S) @ V.T misses M by {min(gaps):.2g} at best, from ten starts; expected less than 0.01"
    )
