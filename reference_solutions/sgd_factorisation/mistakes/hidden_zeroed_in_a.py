# /// mistake
# title = "The hidden elements of the caller's A are overwritten"
# hint = "Print A before and after the call. Whose tensor is it?"
# fails = ["test_nan_may_hide_where_the_mask_is_zero", "test_masked_defaults_and_arguments_are_kept"]
# ///

import torch


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    A[M == 0] = 0
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
