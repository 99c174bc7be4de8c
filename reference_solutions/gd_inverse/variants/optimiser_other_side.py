"""torch.optim.SGD with momentum, and M X where others take X M."""

import torch
from torch import nn


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.dim() != 2 or M.shape[0] != M.shape[1]:
        raise ValueError("gd_inverse needs a square matrix")
    X = nn.Parameter(torch.rand(M.shape))
    optimiser = torch.optim.SGD([X], lr=lr, momentum=momentum)
    criterion = nn.MSELoss()
    loss_history = []
    for _ in range(num_iterations):
        optimiser.zero_grad()
        loss = criterion(M @ X, torch.eye(len(M)))
        loss.backward()
        loss_history.append(loss.item())
        optimiser.step()
    return X, loss_history
