# /// mistake
# title = "The error is multiplied by the mask"
# hint = "What is NaN times 0? And what does a mask value of 2 do to your step?"
# fails = ["test_nan_may_hide_where_the_mask_is_zero", "test_hidden_elements_have_no_influence"]
# ///

import torch


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = M[r, c] * (A[r, c] - U[r] @ V[c])
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V
