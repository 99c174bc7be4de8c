# /// mistake
# title = "The start is scaled down by the root of the rank"
# hint = "What is the largest number that your U can start with, for rank 4? And the largest of torch.rand?"
# fails = ["test_factors_start_from_torch_rand"]
# ///
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank) / rank**0.5, torch.rand(n, rank) / rank**0.5
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V
