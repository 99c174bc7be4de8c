"""torch.optim.RAdam, whose first steps are small; the mean taken over columns first."""

import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    U = torch.nn.Parameter(torch.rand(m, n))
    S = torch.nn.Parameter(torch.rand(n))
    V = torch.nn.Parameter(torch.rand(n, n))
    optimiser = torch.optim.RAdam([U, S, V], lr=lr, betas=(momentum, 0.999))
    loss_history = []
    for _ in range(num_iterations):
        fit = (U @ torch.diag(S) @ V.T - M).square().mean(0).mean()
        crooked = [(Q.T @ Q - torch.eye(n)).square().mean(0).mean() for Q in (U, V)]
        loss = fit + sum(crooked) / 50
        optimiser.zero_grad()
        loss.backward()
        loss_history.append(loss.item())
        optimiser.step()
    U, S, V = (tensor.detach().clone() for tensor in (U, S, V))
    S, order = torch.sort(S * (flip := torch.where(S < 0, -1.0, 1.0)), descending=True)
    return (U * flip)[:, order], S, V[:, order], loss_history
