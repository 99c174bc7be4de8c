"""Checks that students get: run `pytest` in this folder, or the check cells of the notebook."""

import math

import pytest
import torch


def results(value, call):
    """The two results of a call, X and loss_history; fails in words where they are not there."""
    assert isinstance(value, tuple | list) and len(value) == 2, (
        f"{call} returned {type(value).__name__}; expected (X, loss_history)"
    )
    X, loss_history = value
    assert isinstance(X, torch.Tensor), f"{call} returned X of type {type(X).__name__}; expected a torch.Tensor"
    assert isinstance(loss_history, tuple | list), (
        f"{call} returned loss_history of type {type(loss_history).__name__}; expected a list"
    )
    return X.detach(), loss_history


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
@pytest.mark.points(1)
@pytest.mark.hint("X is as large as M. Append one number to loss_history in every iteration.")
def test_returns_a_square_matrix_and_one_loss_an_iteration(student):
    """gd_inverse returns X, of the shape of M, and a list of one loss an iteration."""
    X, loss_history = results(student.gd_inverse(torch.eye(3), num_iterations=7), "gd_inverse(M, num_iterations=7)")
    assert X.shape == (3, 3), f"gd_inverse returned X of shape {tuple(X.shape)} for a 3×3 matrix; expected (3, 3)"
    assert len(loss_history) == 7, f"gd_inverse(M, num_iterations=7) returned {len(loss_history)} losses; expected 7"
    for loss in loss_history:
        plain = isinstance(loss, float | int) or (isinstance(loss, torch.Tensor) and loss.ndim == 0)
        assert plain, f"loss_history holds a {type(loss).__name__}; expected floats (loss.item() makes one)"
        assert math.isfinite(float(loss)), "loss_history holds NaN or infinite values"


@pytest.mark.task("gd_inverse")
@pytest.mark.points(1)
@pytest.mark.hint("Print the loss every 50 iterations. Does it fall? Multiply your X by M: how far is that from torch.eye(2)?")
def test_finds_the_inverse_of_a_small_matrix(student):
    """gd_inverse finds the inverse of [[2, 1], [0, 1]] within 300 iterations at lr 0.5."""
    M = torch.tensor([[2.0, 1.0], [0.0, 1.0]])
    X, _ = results(student.gd_inverse(M, num_iterations=300, lr=0.5), "gd_inverse(M, num_iterations=300, lr=0.5)")
    assert X.shape == (2, 2), f"gd_inverse returned X of shape {tuple(X.shape)} for a 2×2 matrix; expected (2, 2)"
    gap = float((X.double() - torch.tensor([[0.5, -0.5], [0.0, 1.0]], dtype=torch.float64)).abs().max())
    assert gap < 1e-3, f"X differs from the inverse, [[0.5, -0.5], [0.0, 1.0]], by up to {gap:.2g}; expected less than 0.001"


@pytest.mark.task("gd_inverse")
@pytest.mark.points(1)
@pytest.mark.hint("Compare the two numbers in M.shape before anything else, and `raise ValueError(...)` where they differ.")
def test_refuses_a_matrix_that_is_not_square(student):
    """gd_inverse raises ValueError for a matrix that is not square, be it wide or tall."""
    for shape in ((2, 3), (3, 2), (1, 4)):
        names = raised(student.gd_inverse, torch.ones(shape))
        assert names, f"gd_inverse returned for an M of shape {shape}; expected ValueError"
        assert "ValueError" in names, f"gd_inverse raised {names[0]} for an M of shape {shape}; expected ValueError"
