"""Each row of X is its own least-squares problem: the rows one after the other, losses summed up at the end."""

import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = len(M)
    if list(M.shape) != [n, n]:
        raise ValueError("M is not square")
    X = torch.rand(n, n)
    I = torch.eye(n)
    totals = [0.0] * num_iterations
    for r in range(n):
        x, v = X[r], torch.zeros(n)
        for i in range(num_iterations):
            e = x @ M - I[r]
            totals[i] += float(e @ e)
            v = momentum * v + 2 * (M @ e) / n**2
            x -= lr * v
    return X, [total / n**2 for total in totals]
