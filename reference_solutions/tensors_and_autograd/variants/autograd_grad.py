"""torch.autograd.grad instead of backward: nothing is accumulated anywhere."""

import torch
from torch.autograd import grad


def dot(a, b):
    return torch.dot(a, b)


def partial_derivatives(x, y):
    x, y = torch.tensor([x], requires_grad=True), torch.tensor([y], requires_grad=True)
    return grad(x * y**5, (x, y))


def elementwise_derivative(f, x):
    leaf = x.detach().clone().requires_grad_(True)
    values = f(leaf)
    (derivative,) = grad(values, leaf, grad_outputs=torch.ones_like(values))
    return derivative
