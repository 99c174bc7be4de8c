# /// mistake
# title = "The loop ends when the loss rises"
# hint = "How many passes does the caller ask for, and what if one of them makes things worse?"
# fails = [
#     "test_epochs_follow_the_rule",
#     "test_masked_epochs_follow_the_rule",
# ]
# ///

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    last = float('inf')
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
        loss = float((torch.where(torch.ones_like(A).bool(), A - U @ V.T, 0.0) ** 2).sum())
        if loss > last:
            break
        last = loss
    return U, V


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    last = float('inf')
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
        loss = float((torch.where((M != 0).bool(), A - U @ V.T, 0.0) ** 2).sum())
        if loss > last:
            break
        last = loss
    return U, V
