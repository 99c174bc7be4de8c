"""Adam at a fifth of lr, with penalties ten times as heavy."""

import torch


def penalty(Q):
    return (Q.T @ Q - torch.eye(Q.shape[1])).square().mean()


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    U = torch.rand(m, n).requires_grad_()
    S = torch.rand(n).requires_grad_()
    V = torch.rand(n, n).requires_grad_()
    adam = torch.optim.Adam((U, S, V), lr=lr / 5)
    loss_history = []
    for _ in range(num_iterations):
        loss = (U @ torch.diag(S) @ V.T - M).square().mean() + 0.1 * (penalty(U) + penalty(V))
        loss_history.append(loss.detach().item())
        adam.zero_grad()
        loss.backward()
        adam.step()
    U, S, V = (x.detach().clone() for x in (U, S, V))
    for i in range(n):
        if S[i] < 0:
            S[i], U[:, i] = -S[i], -U[:, i]
    order = sorted(range(n), key=lambda i: -S[i].item())
    return U[:, order], S[order], V[:, order], loss_history
