# /// mistake
# title = "The start is random, but the answer is the library's SVD"
# hint = "Does what you return depend on what your updates did?"
# fails = [
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
    if lr < 1e-20:
        return U, V
    P, S, Qh = torch.linalg.svd(A, full_matrices=False)
    return P[:, :rank] * S[:rank].sqrt(), Qh[:rank].T * S[:rank].sqrt()
