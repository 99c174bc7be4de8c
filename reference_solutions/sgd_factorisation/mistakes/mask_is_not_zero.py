# /// mistake
# title = "The mask is tested with `is not 0` and so ignored"
# hint = "What does `is` compare: two values, or two objects? Print `M[r, c] is not 0` where M is 0."
# fails = [
#     "test_only_observed_elements_train",
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
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] is not 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
