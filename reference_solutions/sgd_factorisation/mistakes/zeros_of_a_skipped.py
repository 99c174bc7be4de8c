# /// mistake
# title = "Elements of A that are 0 are passed over"
# hint = "Is 0 a value that U Vᵀ should have there, or none at all?"
# fails = [
#     "test_two_epochs_reach_every_element",
#     "test_epochs_follow_the_rule",
#     "test_many_epochs_are_as_many_passes",
# ]
# ///
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if A[r, c] == 0:
                    continue
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V
