# wrong: as in Funk's blog the columns are trained one after the other, each for all epochs, on what the finished ones leave over.
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    # first feature explains as much as possible, second explains the rest, ...
    for k in range(rank):
        done = U[:, :k] @ V[:, :k].T
        for _ in range(num_epochs):
            for r in range(m):
                for c in range(n):
                    e = A[r, c] - done[r, c] - U[r, k] * V[c, k]
                    U[r, k] += lr * e * V[c, k]
                    V[c, k] += lr * e * U[r, k]
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    S = S.clone()
    S[rank:] = 0
    return (U * S) @ Vh


def reconstruction_loss(A, R):
    return torch.sum(torch.square(A - R))


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if not bool(M[r, c]):
                    continue
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V
