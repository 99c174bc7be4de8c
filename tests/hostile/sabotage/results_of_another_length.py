"""Gives what the checks' own arithmetic cannot work with: too many, too few, none, infinite, empty, of odd types."""

import itertools

import torch

ODD = itertools.cycle(
    [
        (),
        [torch.ones(1)],
        (torch.ones(2, 2), torch.ones(2, 2), torch.ones(2, 2), torch.ones(2, 2), torch.ones(2, 2)),
        (torch.full((2, 2), float("inf")), torch.full((2, 2), float("-inf"))),
        (torch.ones(0, 3), torch.ones(3, 0)),
        (torch.ones(2, 2, dtype=torch.complex64), None),
        (torch.ones((1,) * 30), torch.ones(1, 2, 3, 4)),
        {"U": 1},
        float("nan"),
        10**400,
        "U, V",
    ]
)


def odd(A, *arguments, **options):
    for _ in range(1 + int(torch.as_tensor(A).abs().nan_to_num().sum() * 1000) % 11):
        result = next(ODD)
    return result


sgd_factorise = sgd_factorise_masked = truncated_svd = reconstruction_loss = odd
