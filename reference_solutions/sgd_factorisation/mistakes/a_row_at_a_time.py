# /// mistake
# title = "A whole row is updated at once"
# hint = "How many updates are there for one row of A, and what does each of them see?"
# fails = [
#     "test_two_epochs_reach_every_element",
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
    for _ in range(num_epochs):
        for r in range(m):
            e = A[r] - V @ U[r]
            U[r] += lr * e @ V
            V += lr * torch.outer(e, U[r])
    return U, V


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            e = torch.where(M[r] != 0, A[r] - V @ U[r], 0.0)
            U[r] += lr * e @ V
            V += lr * torch.outer(e, U[r])
    return U, V
