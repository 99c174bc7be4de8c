"""Penalties of weights 0.05 and 0.03, a list of results that still require grad, losses as 0-d tensors."""

import torch
import torch.nn.functional as F


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    rows, cols = M.shape
    U = torch.rand(rows, cols, requires_grad=True)
    S = torch.rand(cols, requires_grad=True)
    V = torch.rand(cols, cols, requires_grad=True)
    eye = torch.eye(cols)
    opt = torch.optim.SGD([{"params": [U, V]}, {"params": [S]}], lr=lr, momentum=momentum)
    history = []
    for _ in range(num_iterations):
        opt.zero_grad()
        loss = (
            F.mse_loss(torch.einsum("ik,k,jk->ij", U, S, V), M)
            + 0.05 * F.mse_loss(U.T @ U, eye)
            + 0.03 * F.mse_loss(V.T @ V, eye)
        )
        history.append(loss.detach())
        loss.backward()
        opt.step()
    flip = 1 - 2 * (S < 0).float()
    order = (S * flip).argsort(descending=True)
    return [(U * flip)[:, order], (S * flip)[order], V[:, order], history]
