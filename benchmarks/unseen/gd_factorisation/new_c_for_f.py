# wrong: the slope of F is computed after C has moved, so the two gradients do not belong to the same point.
import torch


def criterion(A, B):
    diff = A - B
    return (diff * diff).sum()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k)
    F = torch.rand(k, m)
    loss_history = []
    for _ in range(num_iterations):
        loss_history.append(criterion(C @ F, D).item())
        C = C - lr * 2 * (C @ F - D) @ F.T
        F = F - lr * 2 * C.T @ (C @ F - D)
    return C, F, loss_history
