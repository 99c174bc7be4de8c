"""Counts iterations by 1e4, which is a float, and takes it as a whole number; the velocity is the
last difference of X; losses as NumPy's numbers.
"""

import numpy as np
import torch


def gd_inverse(M, num_iterations=1e4, lr=9e-1, momentum=0.9):
    M = np.asarray(M, dtype=np.float64)
    if M.shape[0] != M.shape[1]:
        raise ValueError(f"{M.shape} is not square")
    n, losses = M.shape[0], np.empty(int(num_iterations))
    X = torch.rand(n, n).numpy().astype(float)
    before = X.copy()
    for i in range(int(num_iterations)):
        R = X @ M - np.identity(n)
        losses[i] = (R * R).mean()
        X, before = X - lr * 2 / n**2 * R @ M.T + momentum * (X - before), X
    return torch.from_numpy(X).to(torch.float32), list(losses)
