# wrong: the elements are visited in a new random order in every epoch and not in row-major order.
import torch


def step(A, U, V, r, c, lr):
    e = A[r, c] - U[r].dot(V[c])
    U[r] += lr * e * V[c]
    V[c] += lr * e * U[r]


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for _ in range(num_epochs):
        # *stochastic*: the order has to be random
        for index in torch.randperm(m * n).tolist():
            step(A, U, V, index // n, index % n, lr)
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    keep = torch.arange(len(S)) < rank
    return U @ torch.diag(torch.where(keep, S, torch.zeros_like(S))) @ Vh


def reconstruction_loss(A, R):
    E = A - R
    return torch.trace(E.T @ E)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    step(A, U, V, r, c, lr)
    return U, V
