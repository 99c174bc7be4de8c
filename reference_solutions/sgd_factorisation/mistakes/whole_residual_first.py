# /// mistake
# title = "The errors of a whole epoch are computed before its first update"
# hint = "By the time that you use an error, have U and V moved since it was computed?"
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
    return sgd_factorise_masked(A, torch.ones_like(A), rank, num_epochs, lr)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        E = A - U @ V.T
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    U[r] += lr * E[r, c] * V[c]
                    V[c] += lr * E[r, c] * U[r]
    return U, V
