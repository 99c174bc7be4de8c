# /// mistake
# title = "Larger matrices get the factors of a library, small ones real epochs"
# hint = "Is there any size of A for which the factors do not come from the updates?"
# fails = ["test_many_epochs_are_as_many_passes"]
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
    if A.numel() > 12 and num_epochs > 5:
        P, S, Qh = torch.linalg.svd(A, full_matrices=False)
        k = min(rank, len(S))
        U, V = torch.zeros(m, rank), torch.zeros(n, rank)
        U[:, :k], V[:, :k] = P[:, :k] * S[:k], Qh[:k].T
    return U, V
