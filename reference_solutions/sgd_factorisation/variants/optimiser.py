"""Fills in the gradients by hand and leaves the steps to one torch.optim.SGD for each factor."""

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    return sgd_factorise_masked(A, torch.ones(A.shape, dtype=torch.bool), rank, num_epochs, lr)


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    kept = torch.zeros_like(S)
    kept[:rank] = S[:rank]
    return U @ torch.diag_embed(kept) @ Vh


def reconstruction_loss(A, R):
    return torch.nn.MSELoss(reduction="sum")(R, A)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    U = torch.nn.Parameter(torch.rand(A.shape[0], rank))
    V = torch.nn.Parameter(torch.rand(A.shape[1], rank))
    optimise_U, optimise_V = torch.optim.SGD([U], lr=lr), torch.optim.SGD([V], lr=lr)
    observed = torch.argwhere(M).tolist()
    for _ in range(num_epochs):
        for r, c in observed:
            with torch.no_grad():
                e = A[r, c] - U[r] @ V[c]
                U.grad = torch.zeros_like(U)
                U.grad[r] = -e * V[c]
                optimise_U.step()
                V.grad = torch.zeros_like(V)
                V.grad[c] = -e * U[r]
                optimise_V.step()
    return U.data, V.data
