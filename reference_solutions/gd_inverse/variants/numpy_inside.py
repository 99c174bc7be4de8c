"""NumPy and float64 inside; only the start and the result are tensors."""

import numpy as np
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    A = M.detach().numpy().astype(np.float64)
    n, m = A.shape
    if n != m:
        raise ValueError(f"{n} rows and {m} columns")
    X = torch.rand(n, n).numpy().astype(np.float64)
    v = np.zeros_like(X)
    losses = []
    for _ in range(num_iterations):
        R = A @ X - np.eye(n)
        losses.append(float(np.mean(R**2)))
        v = momentum * v + A.T @ R * (2 / R.size)
        X = X - lr * v
    return torch.from_numpy(X), losses
