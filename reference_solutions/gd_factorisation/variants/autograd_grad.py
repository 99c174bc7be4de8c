"""torch.autograd.grad and new leaves in every iteration; F starts before C; a list comes back."""

import torch


def criterion(A, B):
    return (A - B).pow(2).sum()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    F = torch.rand(k, D.shape[1]).requires_grad_()
    C = torch.rand(D.shape[0], k).requires_grad_()
    losses = []
    for _ in range(num_iterations):
        loss = criterion(D, C @ F)
        losses.append(loss.detach().item())
        dC, dF = torch.autograd.grad(loss, [C, F])
        C = (C - lr * dC).detach().requires_grad_()
        F = (F - lr * dF).detach().requires_grad_()
    return [C, F, losses]
