# /// mistake
# title = "The loops run over the 3×3 matrix of the lesson"
# hint = "How many rows and columns has the A of the call?"
# fails = [
#     "test_epochs_follow_the_rule",
#     "test_many_epochs_are_as_many_passes",
#     "test_masked_epochs_follow_the_rule",
#     "test_many_masked_epochs_are_as_many_passes",
# ]
# ///

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for epoch in range(num_epochs):
        for r in range(min(3, m)):
            for c in range(min(3, n)):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for epoch in range(num_epochs):
        for r in range(min(3, m)):
            for c in range(min(3, n)):
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
