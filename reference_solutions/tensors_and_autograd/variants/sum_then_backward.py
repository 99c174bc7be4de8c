"""The sum of all values, then backward without an argument; the argument itself becomes the leaf; two passes for the two partials."""

import torch


def dot(a, b):
    return torch.einsum("i,i->", a, b)


def partial_derivatives(x, y):
    def z(x, y):
        return x * torch.pow(y, 5)

    tx = torch.tensor(x, requires_grad=True)
    z(tx, y if torch.is_tensor(y) else torch.tensor(y)).backward()
    ty = torch.tensor(y, requires_grad=True)
    z(torch.tensor(x), ty).backward()
    return [tx.grad.item(), ty.grad.item()]


def elementwise_derivative(f, x):
    x.requires_grad_(True)
    f(x).sum().backward()
    return x.grad
