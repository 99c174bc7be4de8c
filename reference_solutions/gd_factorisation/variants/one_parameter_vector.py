"""All entries of both factors live in one leaf; C and F are views of it; a while loop counts."""

import torch


def criterion(A, B):
    flat = (A - B).reshape(-1)
    return flat @ flat


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    theta = torch.cat([torch.rand(n, k).flatten(), torch.rand(k, m).flatten()])
    loss_history = []
    while len(loss_history) < num_iterations:
        theta = theta.detach().requires_grad_()
        C, F = theta[: n * k].view(n, k), theta[n * k :].view(k, m)
        loss = criterion(C @ F, D)
        loss.backward()
        loss_history.append(loss.item())
        theta = theta - lr * theta.grad
    return theta[: n * k].view(n, k), theta[n * k :].view(k, m), loss_history
