# wrong: the error is computed a second time, with the new U, before V moves.
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                # step for U
                e = A[r, c] - torch.dot(U[r], V[c])
                U[r] = U[r] + lr * e * V[c]
                # step for V, everything up to date
                e = A[r, c] - torch.dot(U[r], V[c])
                V[c] = V[c] + lr * e * U[r]
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ torch.diag(S[:rank]) @ Vh[:rank, :]


def reconstruction_loss(A, R):
    return ((A - R) ** 2).sum()


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - torch.dot(U[r], V[c])
                    U[r] = U[r] + lr * e * V[c]
                    V[c] = V[c] + lr * e * U[r]
    return U, V
