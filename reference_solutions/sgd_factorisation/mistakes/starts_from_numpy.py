# /// mistake
# title = "U and V start from numpy's random numbers"
# hint = "Which library's seed decides your start?"
# fails = [
#     "test_factors_start_from_torch_rand",
#     "test_only_observed_elements_train",
# ]
# ///

import numpy
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = [torch.from_numpy(numpy.random.rand(size, rank)).float() for size in (m, n)]
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = [torch.from_numpy(numpy.random.rand(size, rank)).float() for size in (m, n)]
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
