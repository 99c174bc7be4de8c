"""Refuses a learning rate that is not above zero, and has decorated functions."""

import functools

import torch


def positive_rate(function):
    @functools.wraps(function)
    def wrapper(*arguments, **options):
        rate = options.get("lr", 0.01)
        if rate <= 0:
            raise ValueError("lr must be positive")
        with torch.no_grad():
            return function(*arguments, **options)

    return wrapper


@positive_rate
def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    return descend(A, torch.ones_like(A), rank, num_epochs, lr)


@torch.no_grad()
def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return (U[:, :rank] * S[:rank]) @ Vh[:rank]


def reconstruction_loss(A, R):
    return torch.sum(torch.square(R - A))


@positive_rate
def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    return descend(A, M, rank, num_epochs, lr)


def descend(A, M, rank, num_epochs, lr):
    U, V = torch.rand(A.shape[0], rank), torch.rand(A.shape[1], rank)
    for _ in range(num_epochs):
        for r, c in torch.nonzero(M).tolist():
            e = A[r, c] - torch.dot(U[r], V[c])
            U[r] = U[r] + lr * e * V[c]
            V[c] = V[c] + lr * e * U[r]
    return U, V
