# wrong: `break` at a hidden element leaves the rest of its row out, where `continue` is meant.
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for t in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - torch.dot(U[r], V[c])
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A)
    return sum(S[i] * U[:, i : i + 1] @ Vh[i : i + 1, :] for i in range(rank))


def reconstruction_loss(A, R):
    return torch.sum((A - R) ** 2)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for t in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] == 0:
                    break  # not observed, nothing to learn here
                e = A[r, c] - torch.dot(U[r], V[c])
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V
