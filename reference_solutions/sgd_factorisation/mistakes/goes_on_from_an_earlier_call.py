# /// mistake
# title = "A longer call goes on from the factors of an earlier one of the same sizes"
# hint = "Your function is called twice in one session: what of the first call is still there in the second one?"
# fails = ["test_many_epochs_are_as_many_passes"]
# ///

import torch

LEARNED = {}


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    if num_epochs > 20:
        U, V = LEARNED.get((m, n, rank), (U, V))
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    LEARNED[m, n, rank] = U, V
    return U, V
