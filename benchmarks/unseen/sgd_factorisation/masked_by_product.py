# hidden elements are taken for zeros
import torch


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    rows, cols = A.size(0), A.size(1)
    P = torch.rand(rows, rank)
    Q = torch.rand(cols, rank)
    known = [(i, j) for i in range(rows) for j in range(cols)]
    for epoch in range(num_epochs):
        for i, j in known:
            err = A[i, j] * M[i, j] - (P[i] * Q[j]).sum()
            P[i] += lr * err * Q[j]
            Q[j] += lr * err * P[i]
    return P, Q
