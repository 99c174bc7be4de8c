"""Reference solution: {title}."""

import torch


def column_means(A):
    """The mean of every column of A.

    A: m×n float tensor, m ≥ 1; leave it as it is

    Returns a float tensor of shape (n,).
    """
    ### BEGIN SOLUTION
    return A.sum(dim=0) / A.shape[0]
    ### END SOLUTION
