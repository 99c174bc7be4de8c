"""Every step written out: the difference, its gradient by formula, the velocity and the update."""

import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    identity = torch.eye(n)
    X = torch.rand(n, n)
    velocity = torch.zeros(n, n)
    loss_history = []
    for _ in range(num_iterations):
        E = X @ M - identity
        loss_history.append((E**2).mean().item())
        gradient = 2 * E @ M.T / n**2
        velocity = momentum * velocity + gradient
        X -= lr * velocity
    return X, loss_history
