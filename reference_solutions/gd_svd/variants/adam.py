"""torch.optim.Adam at the caller's lr; momentum becomes its first beta."""

import torch
from torch import nn


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    U, S, V = (nn.Parameter(torch.rand(shape)) for shape in ((m, n), (n,), (n, n)))
    optimiser = torch.optim.Adam([U, S, V], lr=lr, betas=(momentum, 0.999))
    mse = nn.MSELoss()
    losses = []
    for _ in range(num_iterations):
        optimiser.zero_grad()
        loss = mse(U @ torch.diag(S) @ V.T, M) + (mse(U.T @ U, torch.eye(n)) + mse(V.T @ V, torch.eye(n))) / 100
        loss.backward()
        losses.append(loss.item())
        optimiser.step()
    with torch.no_grad():
        V = torch.where(S < 0, -V, V)
        values, indices = torch.sort(torch.abs(S), descending=True)
    return U[:, indices], values, V[:, indices], losses
