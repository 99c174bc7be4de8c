# /// mistake
# title = "Entries of the factors are held between -100 and 100"
# hint = "The update is the same however large the factors have become: what changes U and V beside it?"
# fails = ["test_epochs_follow_the_rule"]
# ///

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
        U.clamp_(-100, 100)
        V.clamp_(-100, 100)
    return U, V
