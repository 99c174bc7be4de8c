# wrong: the error is computed anew inside the loop over the components instead of once for each element.
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    rows, cols = A.shape
    U, V = torch.rand(rows, rank), torch.rand(cols, rank)

    for epoch in range(num_epochs):
        for i in range(rows):
            for j in range(cols):
                for k in range(rank):
                    # prediction and error
                    err = A[i, j] - (U[i, :] * V[j, :]).sum()
                    U[i, k] += lr * err * V[j, k]
                    V[j, k] += lr * err * U[i, k]
    return U, V


def truncated_svd(A, rank):
    P, s, Qt = torch.linalg.svd(A)
    out = torch.zeros_like(A)
    for i in range(rank):
        out = out + s[i] * torch.outer(P[:, i], Qt[i])
    return out


def reconstruction_loss(A, R):
    diff = A - R
    return torch.sum(diff * diff)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    rows, cols = A.shape
    U, V = torch.rand(rows, rank), torch.rand(cols, rank)

    for epoch in range(num_epochs):
        for i in range(rows):
            for j in range(cols):
                if M[i, j] == 0:
                    continue
                err = A[i, j] - (U[i, :] * V[j, :]).sum()
                for k in range(rank):
                    U[i, k] += lr * err * V[j, k]
                    V[j, k] += lr * err * U[i, k]
    return U, V
