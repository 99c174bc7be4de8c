# /// mistake
# title = "The loop ends when the loss is small"
# hint = "How many passes does the caller ask for?"
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
        if float((torch.where(torch.ones_like(A).bool(), A - U @ V.T, 0.0) ** 2).sum()) < 1e-4:
            break
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
        if float((torch.where((M != 0).bool(), A - U @ V.T, 0.0) ** 2).sum()) < 1e-4:
            break
    return U, V
