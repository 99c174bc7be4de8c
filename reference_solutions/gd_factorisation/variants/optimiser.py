"""torch.optim.SGD takes the steps, mse_loss with reduction="sum" is the criterion; the results still require grad."""

import torch
from torch import nn


def criterion(A, B):
    return nn.functional.mse_loss(A, B, reduction="sum")


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C = nn.Parameter(torch.rand(D.shape[0], k))
    F = nn.Parameter(torch.rand(k, D.shape[1]))
    optimiser = torch.optim.SGD([C, F], lr=lr)
    loss_history = []
    for _ in range(num_iterations):
        optimiser.zero_grad()
        loss = criterion(torch.mm(C, F), D)
        loss.backward()
        loss_history.append(float(loss))
        optimiser.step()
    return C, F, loss_history
