# /// mistake
# title = "Both loops count rows"
# hint = "Try an A that is not square: how many rows has it, and how many columns?"
# fails = [
#     "test_factors_start_from_torch_rand",
#     "test_two_epochs_reach_every_element",
#     "test_only_observed_elements_train",
#     "test_nan_may_hide_where_the_mask_is_zero",
#     "test_epochs_follow_the_rule",
#     "test_many_epochs_are_as_many_passes",
#     "test_masked_factors_start_from_torch_rand",
#     "test_masked_epochs_follow_the_rule",
#     "test_many_masked_epochs_are_as_many_passes",
#     "test_hidden_elements_have_no_influence",
# ]
# ///

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(m):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(m):
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
