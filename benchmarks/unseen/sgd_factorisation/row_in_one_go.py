# wrong: all elements of a row are used in one vectorised step, with errors that were computed before any of them had moved U.
import torch

# I vectorised the inner loop because it was slow


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            e = A[r] - V @ U[r]  # errors of the row, shape (n,)
            U[r] += lr * (e @ V)
            V += lr * torch.outer(e, U[r])
    return U, V


def truncated_svd(A, rank):
    left, sing, right_t = torch.linalg.svd(A, full_matrices=False)
    return left[:, :rank] * sing[:rank] @ right_t[:rank]


def reconstruction_loss(A, R):
    return (A - R).pow(2).sum()


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    seen = torch.nonzero(M).tolist()  # already row by row
    for _ in range(num_epochs):
        for r, c in seen:
            e = A[r, c] - U[r] @ V[c]
            U[r] += lr * e * V[c]
            V[c] += lr * e * U[r]
    return U, V
