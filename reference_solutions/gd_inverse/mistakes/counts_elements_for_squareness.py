# /// mistake
# title = "A matrix is taken for square where the number of its elements is a square"
# hint = "Does your test tell a 1×4 matrix from a 2×2 one?"
# fails = ["test_refuses_a_matrix_that_is_not_square"]
# ///
import math

import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = math.isqrt(M.numel())
    if n * n != M.numel():
        raise ValueError("M must be square")
    M = M.reshape(n, n)
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X, loss_history
