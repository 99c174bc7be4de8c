# /// mistake
# title = "The mask is scaled in place"
# hint = "What is in M after the call, if it held a 2 before?"
# fails = ["test_nan_may_hide_where_the_mask_is_zero", "test_masked_defaults_and_arguments_are_kept"]
# ///
import torch


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    if M.is_floating_point():
        M.div_(M.abs().max())
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
