"""Works on views of the rows, makes V before U, and prints its progress."""

import torch
from torch import Tensor


def sgd_factorise(A: Tensor, rank: int, num_epochs: int = 1000, lr: float = 0.01):
    m, n = A.size()
    V = torch.rand(n, rank)
    U = torch.rand(m, rank)
    for epoch in range(num_epochs):
        for r, row in enumerate(A):
            u = U[r]
            for c, a in enumerate(row):
                v = V[c]
                e = a - (u * v).sum()
                u += lr * e * v
                v += lr * e * u
        if epoch % 100 == 0:
            print(f"epoch {epoch}: {reconstruction_loss(A, U @ V.T):.4f}")
    return U, V


def truncated_svd(A, rank):
    U, S, V = torch.svd(A)
    S[rank:] = 0
    return U @ S.diag() @ V.t()


def reconstruction_loss(A, R):
    return torch.nn.functional.mse_loss(R, A, reduction="sum")


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.size()
    V = torch.rand(n, rank)
    U = torch.rand(m, rank)
    for _ in range(num_epochs):
        for r in range(m):
            u = U[r]
            for c in range(n):
                if not M[r][c]:
                    continue
                v = V[c]
                e = A[r][c] - u.dot(v)
                u += lr * e * v
                v += lr * e * u
    return U, V
