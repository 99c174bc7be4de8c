# /// mistake
# title = "All elements at once: gradient descent that is not stochastic"
# hint = "How many updates happen in one epoch of your function, and how many elements has A?"
# fails = [
#     "test_two_epochs_reach_every_element",
#     "test_nan_may_hide_where_the_mask_is_zero",
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
        E = A - U @ V.T
        U += lr * E @ V
        V += lr * E.T @ U
    return U, V


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    zeros = torch.zeros_like(A)
    for _ in range(num_epochs):
        E = torch.where(M != 0, A - U @ V.T, zeros)
        U += lr * E @ V
        V += lr * E.T @ U
    return U, V
