# wrong: a column times a row multiplies each element with every other one, so the sum is sum(a) times sum(b).
import torch


def dot(a, b):
    # column times row, then add everything up
    return (a[:, None] * b[None, :]).sum()


def partial_derivatives(x, y):
    x = torch.tensor(x, requires_grad=True)
    y = torch.tensor(y, requires_grad=True)
    z = x * y**5
    z.backward()
    return x.grad, y.grad


def elementwise_derivative(f, x):
    x = x.detach().clone().requires_grad_(True)
    f(x).sum().backward()
    return x.grad
