# /// mistake
# title = "The elements are visited in a random order"
# hint = "In which order does the docstring want the elements visited? Is yours the same in every run?"
# fails = [
#     "test_two_epochs_reach_every_element",
#     "test_epochs_follow_the_rule",
#     "test_many_epochs_are_as_many_passes",
#     "test_masked_epochs_follow_the_rule",
#     "test_many_masked_epochs_are_as_many_passes",
# ]
# ///

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in torch.randperm(m).tolist():
            for c in torch.randperm(n).tolist():
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in torch.randperm(m).tolist():
            for c in torch.randperm(n).tolist():
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
