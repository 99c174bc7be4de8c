"""Visits the columns in the outer loop, which gives the same numbers, and updates with add_ under no_grad."""

import torch


@torch.no_grad()
def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand((m, rank))
    V = torch.rand((n, rank))
    for _ in range(num_epochs):
        for c in range(n):
            for r in range(m):
                step = lr * (A[r, c].item() - torch.dot(U[r], V[c]).item())
                U[r].add_(V[c], alpha=step)
                V[c].add_(U[r], alpha=step)
    return U, V


@torch.no_grad()
def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A)
    return sum(S[i] * torch.outer(U[:, i], Vh[i]) for i in range(rank))


def reconstruction_loss(A, R):
    return torch.sum(torch.square(R - A))


@torch.no_grad()
def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand((m, rank))
    V = torch.rand((n, rank))
    for _ in range(num_epochs):
        for c in range(n):
            for r in range(m):
                if M[r, c].item() == 0:
                    continue
                step = lr * (A[r, c].item() - torch.dot(U[r], V[c]).item())
                U[r].add_(V[c], alpha=step)
                V[c].add_(U[r], alpha=step)
    return U, V
