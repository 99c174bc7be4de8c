# wrong: an element of A that is 0 is skipped although it is observed, and a negative value in the mask counts as hidden.
import torch


def predict(U, V, r, c):
    return (U[r] * V[c]).sum()


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - predict(U, V, r, c)
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    U, S, Vh = U[:, :rank], S[:rank], Vh[:rank]
    return U @ torch.diag(S) @ Vh


def reconstruction_loss(A, R):
    return torch.pow(A - R, 2).sum()


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                # only real ratings that we have seen
                if M[r, c] > 0 and A[r, c] != 0:
                    e = A[r, c] - predict(U, V, r, c)
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
