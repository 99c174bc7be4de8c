# /// mistake
# title = "After 1000 real epochs the factors are those of a library"
# hint = "Which numbers may an update use: one element of A and two rows, or also the factors that are being looked for?"
# fails = [
#     "test_many_epochs_are_as_many_passes",
#     "test_many_masked_epochs_are_as_many_passes",
# ]
# ///

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    if num_epochs > 1000:
        P, S, Qh = torch.linalg.svd(A, full_matrices=False)
        k = min(rank, len(S))
        U, V = torch.zeros(m, rank), torch.zeros(n, rank)
        U[:, :k], V[:, :k] = P[:, :k] * S[:k], Qh[:k].T
    return U, V


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    if num_epochs > 1000:
        P, S, Qh = torch.linalg.svd(A, full_matrices=False)
        k = min(rank, len(S))
        U, V = torch.zeros(m, rank), torch.zeros(n, rank)
        U[:, :k], V[:, :k] = P[:, :k] * S[:k], Qh[:k].T
    return U, V
