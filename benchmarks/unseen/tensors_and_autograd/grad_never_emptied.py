# wrong: one scalar leaf is used for all points and its grad is never emptied, so each result contains the ones before.
import torch


def dot(a, b):
    products = a * b
    return products.sum()


def partial_derivatives(x, y):
    x, y = (torch.tensor(v, requires_grad=True) for v in (x, y))
    (x * y * y * y * y * y).backward()
    return x.grad, y.grad


def elementwise_derivative(f, x):
    p = torch.zeros((), requires_grad=True)
    result = torch.zeros(len(x))
    for i in range(len(x)):
        p.data = x[i].detach().clone()
        f(p).backward()
        result[i] = p.grad
    return result
