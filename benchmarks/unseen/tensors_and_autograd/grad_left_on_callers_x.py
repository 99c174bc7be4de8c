# wrong: the caller's own x is made the leaf and its grad is not emptied, so a second call with the same x returns twice the derivative.
import torch


def dot(a, b):
    return torch.mul(a, b).sum()


def partial_derivatives(x, y):
    a = torch.tensor(x, requires_grad=True)
    b = torch.tensor(y, requires_grad=True)
    z = a * b**5
    z.backward()
    return a.grad.item(), b.grad.item()


def elementwise_derivative(f, x):
    x.requires_grad_(True)
    y = f(x)
    y.sum().backward()
    return x.grad
