# /// mistake
# title = "X starts from numpy's random numbers"
# hint = "Whose seed does torch.manual_seed set?"
# fails = ["test_starts_from_random_numbers_that_follow_the_seed"]
# ///
import numpy as np
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = torch.from_numpy(np.random.rand(n, n)).float(), torch.zeros(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X, loss_history
