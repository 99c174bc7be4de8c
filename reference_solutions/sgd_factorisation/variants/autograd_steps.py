"""Lets autograd differentiate −e·(U[r]·V[c]), with e held fixed, for each of the two steps; its factors require grad."""

import torch


def _descend(e, factor, row, prediction, lr):
    (gradient,) = torch.autograd.grad(-e * prediction, factor)
    with torch.no_grad():
        factor[row] -= lr * gradient[row]


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    return sgd_factorise_masked(A, torch.ones_like(A), rank, num_epochs, lr)


def truncated_svd(A, rank):
    A = A.clone().requires_grad_()
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ (S[:rank].unsqueeze(1) * Vh[:rank])


def reconstruction_loss(A, R):
    difference = (A - R).flatten()
    return difference @ difference


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    U = torch.rand(A.shape[0], rank, requires_grad=True)
    V = torch.rand(A.shape[1], rank, requires_grad=True)
    for _ in range(num_epochs):
        for r in range(A.shape[0]):
            for c in range(A.shape[1]):
                if M[r, c]:
                    e = (A[r, c] - U[r] @ V[c]).detach()
                    _descend(e, U, r, U[r] @ V[c].detach(), lr)
                    _descend(e, V, c, U[r].detach() @ V[c], lr)
    return U, V
