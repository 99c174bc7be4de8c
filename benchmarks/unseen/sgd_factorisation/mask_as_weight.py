# wrong: the error is multiplied by the value in the mask, so an observed element marked 2 is learned twice as fast and one marked -1 uphill.
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    rows, columns = A.shape
    U = torch.rand(rows, rank)
    V = torch.rand(columns, rank)
    for _ in range(num_epochs):
        for r in range(rows):
            for c in range(columns):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ S[:rank].diag() @ Vh[:rank]


def reconstruction_loss(A, R):
    return (A - R).square().sum()


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    rows, columns = A.shape
    U = torch.rand(rows, rank)
    V = torch.rand(columns, rank)
    # NaN * 0 = NaN, so get rid of the NaNs first
    data = torch.where(M != 0, A, torch.zeros_like(A))
    weights = M.to(A.dtype)
    for _ in range(num_epochs):
        for r in range(rows):
            for c in range(columns):
                # zero error -> no step where hidden
                e = weights[r, c] * (data[r, c] - U[r] @ V[c])
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V
