import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n + 1):
                e = A[r, c] - torch.dot(U[r], V[c])
                U[r] = U[r] + lr * e * V[c]
                V[c] = V[c] + lr * e * U[r]
    return U, V


def truncated_svd(A, rank):
    U, S, Vt = torch.linalg.svd(A)
    S = S.clone()
    S[rank:] = 0
    k = min(A.shape)
    return U[:, :k] @ torch.diag(S) @ Vt[:k]


def reconstruction_loss(A, R):
    return torch.sum((A - R) ** 2)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - torch.dot(U[r], V[c])
                    U[r] = U[r] + lr * e * V[c]
                    V[c] = V[c] + lr * e * U[r]
    return U, V
