"""The checks that you get: run `pytest` in this folder, or the check cells of the notebook."""

import pytest
import torch


@pytest.mark.task("column_means")
@pytest.mark.points(1)
@pytest.mark.hint("Which dimension goes away: the one that counts rows, or that of the columns?")
def test_means_of_a_small_matrix(student):
    """column_means gives (2, 4) for the rows (1, 3) and (3, 5)."""
    call = "column_means([[1, 3], [3, 5]])"
    means = student.column_means(torch.tensor([[1.0, 3.0], [3.0, 5.0]]))
    kind = type(means).__name__
    assert isinstance(means, torch.Tensor), f"{call} returned {kind}; expected a torch.Tensor"
    assert means.shape == (2,), f"{call} returned shape {tuple(means.shape)}; expected (2,)"
    right = torch.allclose(means.detach().float(), torch.tensor([2.0, 4.0]), atol=1e-4)
    assert right, f"{call} returned {means.tolist()}; expected [2.0, 4.0]"
