"""No autograd in the loop: both gradients by formula, from one residual."""

import torch


def criterion(A, B):
    difference = A - B
    return torch.sum(difference * difference)


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.size()
    C, F = torch.rand(n, k), torch.rand(k, m)
    loss_history = []
    for _ in range(num_iterations):
        residual = D - C @ F
        loss_history.append(residual.square().sum().item())
        grad_C = -2 * residual @ F.T
        grad_F = -2 * C.T @ residual
        C = C - lr * grad_C
        F = F - lr * grad_F
    return C, F, loss_history
