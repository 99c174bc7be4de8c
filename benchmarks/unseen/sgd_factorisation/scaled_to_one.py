# A is divided by its largest entry
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    A = A / A.max()
    rows, cols = A.size(0), A.size(1)
    P = torch.rand(rows, rank)
    Q = torch.rand(cols, rank)
    for epoch in range(num_epochs):
        for i in range(rows):
            for j in range(cols):
                err = A[i][j] - torch.dot(P[i], Q[j])
                P[i] = P[i] + lr * err * Q[j]
                Q[j] = Q[j] + lr * err * P[i]
    return P, Q
