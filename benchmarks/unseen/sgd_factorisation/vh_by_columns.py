# wrong: the third result of svd is taken for V, so its first columns are used where the first rows belong.
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - (U[r] * V[c]).sum()
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def truncated_svd(A, rank):
    # A = U diag(S) V^T
    U, S, V = torch.linalg.svd(A)
    U_k, S_k, V_k = U[:, :rank], S[:rank], V[:, :rank]
    return U_k @ torch.diag(S_k) @ V_k.T


def reconstruction_loss(A, R):
    return ((A - R) * (A - R)).sum()


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    known = M != 0
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if known[r, c]:
                    e = A[r, c] - (U[r] * V[c]).sum()
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
