"""The rules in float32 on numpy's numbers, for `python -m benchmarks.draws`."""

import numpy
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    return sgd_factorise_masked(A, torch.ones_like(A), rank, num_epochs, lr)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    U, V = torch.rand(A.shape[0], rank), torch.rand(A.shape[1], rank)
    u, v, lr = list(map(list, U.numpy())), list(map(list, V.numpy())), numpy.float32(lr)
    visits = [(A[r, c].numpy()[()], u[r], v[c]) for r, c in torch.argwhere(M != 0).tolist()]
    places = range(rank)
    with numpy.errstate(all="ignore"):
        for _ in range(num_epochs):
            for entry, row, column in visits:
                for i in places:
                    entry = entry - row[i] * column[i]
                step = lr * entry
                for i in places:
                    row[i] = row[i] + step * column[i]
                    column[i] = column[i] + step * row[i]
    return torch.tensor(numpy.array(u)), torch.tensor(numpy.array(v))
