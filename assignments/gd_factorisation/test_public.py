"""Checks that students get: run `pytest` in this folder, or the check cells of the notebook."""

import pytest
import torch


@pytest.mark.task("criterion")
@pytest.mark.points(1)
@pytest.mark.hint("Work it out on paper: the differences are 1, −2, 0 and 3. Square each of them, then add up.")
def test_criterion_adds_up_squares(student):
    """criterion gives 14 where the differences are 1, −2, 0 and 3, as a 0-d tensor."""
    A = torch.tensor([[2.0, 0.0], [5.0, 4.0]])
    B = torch.tensor([[1.0, 2.0], [5.0, 1.0]])
    result = student.criterion(A, B)
    call = "criterion(A, B) with the differences 1, -2, 0 and 3"
    assert isinstance(result, torch.Tensor), f"{call} returned a {type(result).__name__}; expected a torch.Tensor"
    assert result.shape == (), f"{call} returned a tensor of shape {tuple(result.shape)}; expected shape ()"
    value = float(result.detach())
    assert abs(value - 14) < 1e-4, f"{call} returned {value:g}; expected 14"


@pytest.mark.task("gd_factorise")
@pytest.mark.points(1)
@pytest.mark.hint("C has a row for every row of D, F a column for every column of D, and k is the size that they share.")
def test_factors_have_the_right_shapes(student):
    """gd_factorise returns C of shape (n, k), F of shape (k, m) and the loss history, in this order."""
    result = student.gd_factorise(torch.ones(4, 3), 2, num_iterations=5, lr=0.01)
    call = "gd_factorise(D, k=2, num_iterations=5, lr=0.01) with D of shape (4, 3)"
    assert isinstance(result, tuple | list), f"{call} returned a {type(result).__name__}; expected (C, F, loss_history)"
    assert len(result) == 3, f"{call} returned {len(result)} results; expected 3: C, F and loss_history"
    for name, value, shape in zip(("C", "F"), result[:2], ((4, 2), (2, 3)), strict=True):
        assert isinstance(value, torch.Tensor), f"{call} returned a {type(value).__name__} for {name}; expected a torch.Tensor"
        assert value.shape == shape, f"{call} returned {name} of shape {tuple(value.shape)}; expected {shape}"


@pytest.mark.task("gd_factorise")
@pytest.mark.points(1)
@pytest.mark.hint("One float goes into the list in every iteration. Plot the list: gradient descent goes downhill.")
def test_loss_history_falls(student):
    """The loss history has one value for every iteration, and its last value is below its first."""
    D = torch.tensor([[1.0, 2.0, 0.5], [2.0, 4.0, 1.0], [0.5, 1.0, 0.25], [1.5, 3.0, 0.75]])
    result = student.gd_factorise(D, 2, num_iterations=50, lr=0.01)
    call = "gd_factorise(D, k=2, num_iterations=50, lr=0.01)"
    assert isinstance(result, tuple | list), f"{call} returned a {type(result).__name__}; expected (C, F, loss_history)"
    assert len(result) == 3, f"{call} returned {len(result)} results; expected 3: C, F and loss_history"
    losses = result[2]
    listed = isinstance(losses, tuple | list)
    assert listed, f"{call} returned a {type(losses).__name__} as loss_history; expected a list of floats"
    assert len(losses) == 50, f"{call} returned a loss_history of {len(losses)} values; expected 50, one an iteration"
    losses = [loss.detach() if isinstance(loss, torch.Tensor) else loss for loss in losses]
    for loss in losses:
        number = hasattr(loss, "__float__") and getattr(loss, "ndim", 0) == 0
        assert number, f"{call} returned a loss_history with a {type(loss).__name__} in it; expected floats"
    first, last = float(losses[0]), float(losses[-1])
    assert last < first, f"{call}: the loss went from {first:.4g} to {last:.4g}; expected it to fall"
