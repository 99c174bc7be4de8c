"""Every step written out: the difference, its two gradients by formula, and the two updates in place."""

import torch


def criterion(A, B):
    return ((A - B) ** 2).sum()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k)
    F = torch.rand(k, m)
    loss_history = []
    for _ in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        gradient_C = 2 * E @ F.T
        gradient_F = 2 * C.T @ E
        C -= lr * gradient_C
        F -= lr * gradient_F
    return C, F, loss_history
