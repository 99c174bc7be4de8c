"""Everything in float64, and returned like that."""

import torch


def dot(a, b):
    return a.double() @ b.double()


def partial_derivatives(x, y):
    p = torch.tensor([x, y], dtype=torch.float64, requires_grad=True)
    (p[0] * p[1] ** 5).backward()
    return p.grad[0], p.grad[1]


def elementwise_derivative(f, x):
    x = x.to(torch.float64).requires_grad_()
    f(x).backward(torch.ones(len(x), dtype=torch.float64))
    return x.grad
