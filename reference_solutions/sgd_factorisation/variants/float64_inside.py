"""Computes in float64 throughout and returns float64 results, in lists."""

import torch


def _pairs(mask):
    return [(int(r), int(c)) for r, c in torch.nonzero(mask)]


def _train(A, pairs, rank, num_epochs, lr):
    A = A.double()
    U = torch.rand(A.shape[0], rank, dtype=torch.float64)
    V = torch.rand(A.shape[1], rank, dtype=torch.float64)
    for _ in range(num_epochs):
        for r, c in pairs:
            e = A[r, c] - U[r] @ V[c]
            U[r] = U[r] + lr * e * V[c]
            V[c] = V[c] + lr * e * U[r]
    return [U, V]


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    return _train(A, _pairs(torch.ones_like(A)), rank, num_epochs, lr)


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A.double(), full_matrices=False)
    return torch.einsum("ik,k,kj->ij", U[:, :rank], S[:rank], Vh[:rank])


def reconstruction_loss(A, R):
    return torch.linalg.matrix_norm(A.double() - R.double()) ** 2


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    return _train(A, _pairs(M), rank, num_epochs, lr)
