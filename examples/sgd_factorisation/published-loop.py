"""The implementation published in the lab write-up: its outer loop visits `rank` rows instead of all of them."""

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand((m, rank))
    V = torch.rand((n, rank))
    for epoch in range(num_epochs):
        for r in range(rank):
            for c in range(n):
                e = A[r][c] - U[r] @ V[c].t()
                U[r] = U[r] + lr * e * V[c]
                V[c] = V[c] + lr * e * U[r]
    return U, V


def truncated_svd(A, rank):
    U, S, V = torch.svd(A)
    S[rank:] = 0
    return U @ torch.diag(S) @ V.t()


def reconstruction_loss(A, R):
    return torch.nn.functional.mse_loss(A, R, reduction="sum")


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand((m, rank))
    V = torch.rand((n, rank))
    for epoch in range(num_epochs):
        for r in range(rank):
            for c in range(n):
                if M[r][c] != 0:
                    e = A[r][c] - U[r] @ V[c].t()
                    U[r] = U[r] + lr * e * V[c]
                    V[c] = V[c] + lr * e * U[r]
    return U, V
