# /// mistake
# title = "A is multiplied by the mask, and zeros in it count as hidden"
# hint = "May an observed element be 0? And what is NaN times 0?"
# fails = [
#     "test_nan_may_hide_where_the_mask_is_zero",
#     "test_masked_epochs_follow_the_rule",
#     "test_many_masked_epochs_are_as_many_passes",
#     "test_hidden_elements_have_no_influence",
# ]
# ///

import torch


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    A = A * M
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if A[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
