# /// mistake
# title = "C and F start from numpy's random numbers"
# hint = "Which library's seed decides your start?"
# fails = ["test_descent_starts_from_random_numbers"]
# ///

import numpy
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = [torch.from_numpy(numpy.random.rand(*size)).float() for size in ((n, k), (k, m))]
    loss_history = []
    for iteration in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        C, F = C - 2 * lr * E @ F.T, F - 2 * lr * C.T @ E
    return C, F, loss_history
