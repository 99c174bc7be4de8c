"""Leaves that several passes share, with their gradients set back to zero in between; gradients copied out before that."""

import torch


def dot(a, b):
    return torch.matmul(a.unsqueeze(0), b.unsqueeze(1)).squeeze()


def partial_derivatives(x, y):
    x = torch.tensor(x).requires_grad_(True)
    y = torch.tensor(y).requires_grad_(True)
    gradients = []
    for leaf in (x, y):
        z = x * y * y * y * y * y
        z.backward()
        gradients.append(leaf.grad.clone())
        x.grad.zero_()
        y.grad = None
    return tuple(gradients)


def elementwise_derivative(f, x):
    leaf = torch.zeros(1, requires_grad=True)
    derivative = torch.empty(x.shape[0])
    for i in range(x.shape[0]):
        leaf.data[0] = x[i]
        f(leaf)[0].backward()
        derivative[i] = leaf.grad[0]
        leaf.grad.zero_()
    return derivative
