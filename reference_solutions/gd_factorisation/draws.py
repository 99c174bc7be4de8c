"""The rule in float32 on numpy's arrays, for `python -m benchmarks.draws`."""

import numpy
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C, F = torch.rand(D.shape[0], k).numpy(), torch.rand(k, D.shape[1]).numpy()
    D, twice, losses = D.numpy(), numpy.float32(2 * lr), []
    with numpy.errstate(all="ignore"):
        for _ in range(num_iterations):
            E = C @ F - D
            losses.append(float((E * E).sum()))
            C, F = C - twice * (E @ F.T), F - twice * (C.T @ E)
    return torch.from_numpy(C), torch.from_numpy(F), losses
