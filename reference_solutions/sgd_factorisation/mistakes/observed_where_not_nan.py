# /// mistake
# title = "Where A holds a NaN, all its other elements count as observed"
# hint = "Which of A and M says what is observed? What if a hidden element is a number, and another one NaN?"
# fails = ["test_hidden_elements_have_no_influence"]
# ///

import torch


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    if A.isnan().any():
        M = ~A.isnan()
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
