"""Checks that students get: run `pytest` in this folder, or the check cells of the notebook."""

import pytest
import torch


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(1)
@pytest.mark.hint("U has a row for every row of A, V a row for every column of A; both have `rank` columns.")
def test_factors_have_the_right_shapes(student):
    """sgd_factorise returns U of shape (m, rank) and V of shape (n, rank)."""
    U, V = student.sgd_factorise(torch.rand(4, 3), 2, num_epochs=1)
    assert U.shape == (4, 2), f"U has shape {tuple(U.shape)}; expected (4, 2)"
    assert V.shape == (3, 2), f"V has shape {tuple(V.shape)}; expected (3, 2)"
