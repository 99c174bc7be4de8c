"""The gradient by formula, without autograd; everything under no_grad."""

import torch


@torch.no_grad()
def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    rows, columns = M.size()
    if rows != columns:
        raise ValueError("not a square matrix")
    X = torch.rand_like(M)
    step = torch.zeros_like(X)
    history = []
    for _ in range(num_iterations):
        E = X.mm(M) - torch.eye(rows)
        history.append(float(E.square().mean()))
        step.mul_(momentum).add_(2 * E.mm(M.t()) / rows**2)
        X.sub_(lr * step)
    return X, history
