# /// mistake
# title = "The factors come from the library's SVD instead of gradient descent"
# hint = "Where are the random start, the epochs and the learning rate in your function?"
# fails = [
#     "test_factors_start_from_torch_rand",
#     "test_one_update_as_by_hand",
#     "test_two_epochs_reach_every_element",
#     "test_epochs_follow_the_rule",
#     "test_many_epochs_are_as_many_passes",
# ]
# ///

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        P, S, Qh = torch.linalg.svd(A, full_matrices=False)
        U, V = P[:, :rank] * S[:rank], Qh[:rank].T
    return U, V
