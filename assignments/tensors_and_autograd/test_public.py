"""Checks that students get: run `pytest` in this folder, or the check cells of the notebook."""

import pytest
import torch


@pytest.mark.task("dot")
@pytest.mark.points(1)
@pytest.mark.hint("Work it out on paper: 1·4 + 2·(−5) + 3·6. The result is one number, as a tensor without dimensions.")
def test_dot_of_two_short_vectors(student):
    """dot gives the 0-d tensor 12 for (1, 2, 3) and (4, −5, 6)."""
    result = student.dot(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, -5.0, 6.0]))
    call = "dot(tensor([1, 2, 3]), tensor([4, -5, 6]))"
    assert isinstance(result, torch.Tensor), f"{call} returned a {type(result).__name__}; expected a torch.Tensor"
    assert result.shape == (), f"{call} returned a tensor of shape {tuple(result.shape)}; expected shape ()"
    value = float(result.detach())
    assert abs(value - 12) < 1e-4, f"{call} returned {value:g}; expected 12"


@pytest.mark.task("partial_derivatives")
@pytest.mark.points(1)
@pytest.mark.hint("On paper: to differentiate with respect to one variable, treat the other one as a constant.")
def test_partials_at_three_and_two(student):
    """partial_derivatives gives 32 and 240 at x = 3, y = 2."""
    result = student.partial_derivatives(3.0, 2.0)
    call = "partial_derivatives(3.0, 2.0)"
    assert isinstance(result, tuple | list), f"{call} returned a {type(result).__name__}; expected (dz_dx, dz_dy)"
    assert len(result) == 2, f"{call} returned {len(result)} results; expected 2: dz_dx and dz_dy"
    for name, value, expected in zip(("dz_dx", "dz_dy"), result, (32.0, 240.0), strict=True):
        number = isinstance(value, int | float) or (isinstance(value, torch.Tensor) and value.numel() == 1)
        assert number, f"{call} returned a {type(value).__name__} for {name}; expected a number or a tensor with one element"
        value = float(value.detach() if isinstance(value, torch.Tensor) else value)
        assert abs(value - expected) < 1e-2, f"{call} returned {name} = {value:g}; expected {expected:g}"


@pytest.mark.task("elementwise_derivative")
@pytest.mark.points(1)
@pytest.mark.hint("The derivative of sin is cos: draw your result on top of torch.cos(x) and look at where they part.")
def test_derivative_of_sin_is_cos(student):
    """elementwise_derivative(torch.sin, x) is cos(x) at every point of a grid."""
    x = torch.linspace(-3.0, 3.0, 13)
    result = student.elementwise_derivative(torch.sin, x.clone())
    call = "elementwise_derivative(torch.sin, x) with x of shape (13,)"
    assert isinstance(result, torch.Tensor), f"{call} returned a {type(result).__name__}; expected a torch.Tensor"
    assert result.shape == (13,), f"{call} returned a tensor of shape {tuple(result.shape)}; expected shape (13,)"
    gap = float((result.detach().double() - torch.cos(x).double()).abs().max())
    assert gap < 1e-4, f"{call} differs from cos(x) by up to {gap:.2g}"
