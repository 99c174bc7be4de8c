"""The hidden checks."""

import pytest
import torch

from autograder.vocabulary import close, matrix


@pytest.mark.task("column_means")
@pytest.mark.points(3)
@pytest.mark.hint("How many numbers are added up in each column?")
def test_means_of_a_matrix_that_is_not_square(student, draw):
    """column_means is right for matrices with more rows than columns, and with fewer."""
    for m, n in ((5, 3), (2, 4)):
        A = draw.uniform(m, n, low=1.0, high=2.0)
        call = f"column_means(A of shape {(m, n)})"
        means = matrix(student.column_means(A), (n,), f"{call} returned a tensor")
        what = f"{call} is not the mean of every column"
        close(means, A.to(torch.float64).mean(dim=0), 1e-5, what)
