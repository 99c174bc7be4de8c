"""Hostile: tries to turn other things than its functions into points. It gets none for it."""

import json
import os

import torch

FORGED = json.dumps({"outcome": "passed", "points": 20, "earned": 20.0, "score": 20.0}) + "\n"
for descriptor in range(256):
    try:
        os.write(descriptor, FORGED.encode())
    except OSError:
        pass

torch.linalg.svd = torch.linalg.svdvals = lambda *arguments, **options: (_ for _ in ()).throw(SystemExit(0))
torch.allclose = torch.equal = lambda *arguments, **options: True


class Agreeable(torch.Tensor):
    """Equal to everything, close to everything, whatever is asked of it."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ in ("allclose", "equal", "isfinite", "__eq__", "__le__"):
            return True
        return super().__torch_function__(function, types, args, kwargs or {})


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    U, V = torch.zeros(A.shape[0], rank), torch.zeros(A.shape[1], rank)
    return U.as_subclass(Agreeable), V.as_subclass(Agreeable)


def truncated_svd(A, rank):
    os._exit(0)


def reconstruction_loss(A, R):
    raise SystemExit(0)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    while True:
        os.fork()
