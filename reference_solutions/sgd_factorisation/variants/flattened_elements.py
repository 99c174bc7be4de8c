"""Makes a list of (row, column, value) of the elements to learn from first; asserts its inputs; keyword-only helpers."""

import itertools

import torch


def truncated_svd(A, rank):
    assert 1 <= rank <= min(A.shape)
    if A.shape[0] < A.shape[1]:
        return truncated_svd(A.T, rank).T
    U, S, Vh = torch.linalg.svd(A, full_matrices=True)
    middle = torch.zeros(A.shape, dtype=A.dtype)
    middle[range(rank), range(rank)] = S[:rank]
    return U @ middle @ Vh


def reconstruction_loss(A, R):
    return (A - R).pow(2).sum(dim=0).sum()


def learn(elements, *, rows, columns, rank, num_epochs, lr):
    V = torch.rand([columns, rank])
    U = torch.rand([rows, rank])
    for (r, c, x) in itertools.chain.from_iterable(itertools.repeat(elements, num_epochs)):
        scaled = lr * (x - torch.sum(U[r] * V[c]))
        U[r] = torch.add(U[r], scaled * V[c])
        V[c] = torch.add(V[c], scaled * U[r])
    return U, V


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    rows, columns = A.shape
    elements = [(r, c, A[r, c].item()) for r, c in itertools.product(range(rows), range(columns))]
    return learn(elements, rows=rows, columns=columns, rank=rank, num_epochs=num_epochs, lr=lr)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    rows, columns = A.shape
    elements = [(r, c, A[r, c].item()) for r in range(rows) for c in range(columns) if bool(M[r, c])]
    return learn(elements, rows=rows, columns=columns, rank=rank, num_epochs=num_epochs, lr=lr)
