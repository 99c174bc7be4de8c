"""The penalty for U on UUᵀ: that differs from the one on UᵀU by a constant and a weight, so its gradient is the same up to scale."""

import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    U = torch.rand((m, n), requires_grad=True)
    S = torch.rand((n,), requires_grad=True)
    V = torch.rand((n, n), requires_grad=True)
    sgd = torch.optim.SGD([U, S, V], lr, momentum)
    loss_history = []
    for step in range(num_iterations):
        sgd.zero_grad()
        fit = torch.mean((U @ torch.diag(S) @ V.T - M) ** 2)
        rows = torch.mean((U @ U.T - torch.eye(m)) ** 2) + torch.mean((V @ V.T - torch.eye(n)) ** 2)
        loss = fit + rows / 20
        loss.backward()
        loss_history.append(loss.item())
        sgd.step()
    S, order = torch.sort(S.detach() * (signs := S.detach().sign()), descending=True)
    return (U.detach() * signs)[:, order], S, V.detach()[:, order], loss_history
