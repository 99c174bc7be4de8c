# wrong: the residual is X M - I, but its gradient has M transposed on the left, as it would be for M X.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    rows, cols = M.shape
    if rows != cols:
        raise ValueError(f"not a square matrix: {rows}x{cols}")
    identity = torch.eye(rows)
    X = torch.rand(rows, rows)
    velocity = torch.zeros_like(X)
    losses = []
    for step in range(num_iterations):
        residual = X @ M - identity
        losses.append(residual.square().mean().item())
        gradient = 2 * torch.matmul(M.T, residual) / rows**2
        velocity = momentum * velocity + gradient
        X = X - lr * velocity
    return X, losses
