# /// mistake
# title = "Each pass solves for one factor exactly instead of taking a step"
# hint = "What does lr do in your function? A gradient step goes only a part of the way."
# fails = [
#     "test_one_update_as_by_hand",
#     "test_two_epochs_reach_every_element",
#     "test_only_observed_elements_train",
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
    seen = M != 0
    for _ in range(num_epochs if lr > 1e-20 else 0):
        for r in range(m):
            U[r] = torch.linalg.pinv(V[seen[r]]) @ A[r, seen[r]]
        for c in range(n):
            V[c] = torch.linalg.pinv(U[seen[:, c]]) @ A[seen[:, c], c]
    return U, V
