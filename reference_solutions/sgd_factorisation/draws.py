"""The rules in float32 on numpy's numbers, for `python -m benchmarks.draws`; and for the long checks,
the same on arrays, which hold a number of each of many calls.
"""

import warnings
from collections import defaultdict
from dataclasses import replace

import numpy
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    return sgd_factorise_masked(A, torch.ones_like(A), rank, num_epochs, lr)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    U, V = torch.rand(A.shape[0], rank), torch.rand(A.shape[1], rank)
    return _descent(A, M, U, V, num_epochs, lr)


def _descent(A, M, U, V, num_epochs, lr):
    u, v, lr = list(map(list, U.numpy())), list(map(list, V.numpy())), numpy.float32(lr)
    entries = list(map(list, A.numpy()))
    _passes(entries, torch.argwhere(M != 0).tolist(), u, v, num_epochs, lr)
    return torch.tensor(numpy.array(u)), torch.tensor(numpy.array(v))


def _passes(entries, places, u, v, num_epochs, lr):
    """The rule, which changes u and v. An entry is a number, or an array of them."""
    visits = [(entries[r][c], u[r], v[c]) for r, c in places]
    ranks = range(len(u[0]))
    with numpy.errstate(all="ignore"):
        for _ in range(num_epochs):
            for entry, row, column in visits:
                for i in ranks:
                    entry = entry - row[i] * column[i]
                step = lr * entry
                for i in ranks:
                    row[i] = row[i] + step * column[i]
                    column[i] = column[i] + step * row[i]


def _many_descents(_, calls):
    """`_descent` for each of these arguments."""

    def descents(some):
        As, Ms, Us, Vs, epochs, rates = zip(*some, strict=True)
        entries, u, v = (_Numbers(values).tolist() for values in (As, Us, Vs))
        places, lr = torch.argwhere(Ms[0] != 0).tolist(), numpy.array(rates, numpy.float32)
        _passes(entries, places, u, v, epochs[0], lr)
        return zip(*map(_apart, (u, v)), strict=True)

    return _batches(calls, lambda A, M, U, V, epochs, lr: (epochs, M), descents)


def _many_losses_of_the_rule(losses_of_the_rule, calls):
    """`losses_of_the_rule` of the hidden checks, itself, on arrays in place of numbers."""

    def ruled(some):
        runs, Us, Vs = zip(*some, strict=True)
        A = _Numbers([run.A.double() for run in runs])
        lr, M = numpy.array([run.lr for run in runs]), runs[0].observed
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tensors from lists of arrays are slow
            U, V, losses = losses_of_the_rule(
                replace(runs[0], A=A, lr=lr, M=M), _Numbers(Us), _Numbers(Vs)
            )
        each = numpy.stack(losses, axis=1)
        return zip(U.movedim(-1, 0), V.movedim(-1, 0), each, strict=True)

    return _batches(calls, lambda run, U, V: (run.epochs, run.observed), ruled)


class _Numbers:
    """A matrix whose entries are arrays, with an entry of each of many matrices."""

    def __init__(self, matrices):
        self.entries = torch.stack(matrices, dim=-1).numpy()

    def tolist(self):
        return list(map(list, self.entries))


def _apart(entries):
    """The many matrices whose entries are such arrays."""
    return torch.from_numpy(numpy.moveaxis(numpy.array(entries), -1, 0).copy())


def _batches(calls, alike, compute):
    """What `compute` gives for calls with the same number of epochs and the same mask; in the order of
    the calls.
    """
    batches, results = defaultdict(list), {}
    for number, call in enumerate(calls):
        epochs, mask = alike(*call)
        batches[epochs, tuple((mask != 0).flatten().tolist())].append(number)
    for numbers in batches.values():
        results |= zip(numbers, compute([calls[number] for number in numbers]), strict=True)
    return [results[number] for number in range(len(calls))]


LONG = (
    "test_many_epochs_are_as_many_passes",
    "test_many_masked_epochs_are_as_many_passes",
)
MANY = {"_descent": _many_descents, "losses_of_the_rule": _many_losses_of_the_rule}
