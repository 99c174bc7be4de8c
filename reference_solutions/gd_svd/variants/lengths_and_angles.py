"""Loops over the columns; their lengths and their angles are penalised apart, with different weights (0.03 and 0.05)."""
import itertools

import torch


def columns_penalty(A):
    cols = A.unbind(dim=1)
    lengths = sum((c.dot(c) - 1) ** 2 for c in cols)
    angles = sum((a.dot(b) ** 2 for a, b in itertools.combinations(cols, 2)), torch.tensor(0.0))
    return (0.03 * lengths + 0.05 * 2 * angles) / len(cols) ** 2


def rebuild(U, S, V):
    return sum(s * torch.outer(u, v) for s, u, v in zip(S, U.T, V.T))


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    U = torch.rand((m, n)).requires_grad_()
    S = torch.rand((n,)).requires_grad_()
    V = torch.rand((n, n)).requires_grad_()
    optimizer = torch.optim.SGD([U, S, V], lr=lr, momentum=momentum)
    loss_history = []
    for step in range(num_iterations):
        loss = torch.mean((rebuild(U, S, V) - M) ** 2) + columns_penalty(U) + columns_penalty(V)
        loss_history.append(float(loss.item()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    U, S, V = U.detach(), S.detach(), V.detach()
    # selection sort
    for i in range(n):
        if S[i] < 0:
            S[i] = -S[i]
            V[:, i] = -V[:, i]
    for i in range(n):
        j = i + int(torch.argmax(S[i:]))
        S[[i, j]] = S[[j, i]]
        U[:, [i, j]] = U[:, [j, i]]
        V[:, [i, j]] = V[:, [j, i]]
    return U, S, V, loss_history
