# /// mistake
# title = "The defaults of the stub were changed"
# hint = "Which values had num_epochs and lr in the stub?"
# fails = ["test_defaults_and_argument_are_kept", "test_masked_defaults_and_arguments_are_kept"]
# ///

import torch


def sgd_factorise(A, rank, num_epochs=500, lr=0.05):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def sgd_factorise_masked(A, M, rank, num_epochs=500, lr=0.05):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
