"""Plain lists of Python floats inside, tensors only at the door."""

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    everything = [[True] * A.shape[1]] * A.shape[0]
    return _fit(A.tolist(), everything, rank, num_epochs, lr)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    return _fit(A.tolist(), M.tolist(), rank, num_epochs, lr)


def _fit(a, observed, rank, num_epochs, lr):
    U = [torch.rand(rank).tolist() for _ in a]
    V = [torch.rand(rank).tolist() for _ in a[0]]
    for _ in range(num_epochs):
        for u, numbers, marks in zip(U, a, observed):
            for v, x, mark in zip(V, numbers, marks):
                if mark:
                    e = x - sum(p * q for p, q in zip(u, v))
                    for k in range(rank):
                        u[k] += lr * e * v[k]
                        v[k] += lr * e * u[k]
    return torch.tensor(U), torch.tensor(V)


def truncated_svd(A, rank):
    U, S, V = torch.svd(A, some=True)
    return torch.mm(torch.mm(U[:, :rank], torch.diag(S[:rank])), V[:, :rank].t())


def reconstruction_loss(A, R):
    a, r = A.flatten().tolist(), R.flatten().tolist()
    return torch.tensor(sum((x - y) ** 2 for x, y in zip(a, r)))
