"""Keeps V as rank×n until the end, with elements as columns, and returns its transpose (not contiguous)."""

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    (m, n) = A.shape
    U = torch.rand(m, rank)
    Vt = torch.rand(n, rank).t()
    epoch = 0
    while epoch < num_epochs:
        for i in range(m * n):
            r, c = divmod(i, n)
            error = A[r, c] - torch.matmul(U[r, :], Vt[:, c])
            for k in range(rank):
                U[r, k] = U[r, k] + lr * error * Vt[k, c]
            for k in range(rank):
                Vt[k, c] = Vt[k, c] + lr * error * U[r, k]
        epoch += 1
    return U, Vt.T


def truncated_svd(A, rank):
    R = torch.zeros_like(A)
    for _ in range(rank):
        U, S, Vh = torch.linalg.svd(A - R, full_matrices=False)
        R = R + S[0] * U[:, :1] @ Vh[:1, :]
    return R


def reconstruction_loss(A, R):
    total = torch.tensor(0.0)
    for a, b in zip(A.flatten(), R.flatten()):
        total = total + (a - b) ** 2
    return total


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    (m, n) = A.shape
    U = torch.rand(m, rank)
    Vt = torch.rand(n, rank).t()
    for _ in range(num_epochs):
        for i in range(m * n):
            r, c = divmod(i, n)
            if M[r, c] == 0:
                continue
            error = A[r, c] - torch.matmul(U[r, :], Vt[:, c])
            U[r, :] = U[r, :] + lr * error * Vt[:, c]
            Vt[:, c] = Vt[:, c] + lr * error * U[r, :]
    return U, Vt.T
