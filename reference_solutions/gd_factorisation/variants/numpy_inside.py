"""numpy does the work: arrays from torch.rand, gradients by formula, tensors again at the end."""

import numpy as np
import torch


def criterion(A, B):
    return torch.norm(A - B, p="fro") ** 2


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    D = D.numpy()
    n, m = D.shape
    C, F = torch.rand((n, k)).numpy(), torch.rand((k, m)).numpy()
    history = []
    for _ in range(num_iterations):
        E = np.dot(C, F) - D
        history.append(float(np.sum(E**2)))
        C, F = C - 2 * lr * np.dot(E, F.T), F - 2 * lr * np.dot(C.T, E)
    return torch.from_numpy(C.astype(np.float32)), torch.from_numpy(F.astype(np.float32)), history
