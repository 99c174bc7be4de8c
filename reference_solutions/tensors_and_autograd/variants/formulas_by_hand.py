"""Loops and formulas: dot as a Python loop, partial derivatives as floats by formula, one scalar leaf for each element."""

import torch


def dot(a, b):
    total = torch.tensor(0.0)
    for i in range(len(a)):
        total = total + a[i] * b[i]
    return total


def partial_derivatives(x, y):
    return y**5, 5 * x * y**4


def elementwise_derivative(f, x):
    slopes = []
    for value in x:
        leaf = torch.tensor(value.item(), requires_grad=True)
        f(leaf).backward()
        slopes.append(leaf.grad)
    return torch.stack(slopes)
