# /// mistake
# title = "Rows without an observed element are set to zero"
# hint = "What does the docstring say about a row of U that belongs to no observed element?"
# fails = ["test_only_observed_elements_train"]
# ///
import torch


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    U[~(M != 0).any(1)] = 0.0
    V[~(M != 0).any(0)] = 0.0
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
