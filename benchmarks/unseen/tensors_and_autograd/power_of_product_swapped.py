# wrong: the fifth power is taken of the whole product x·y, and the two results come in the wrong order.
import torch


def dot(a, b):
    return torch.sum(a * b)


def partial_derivatives(x, y):
    point = torch.tensor([x, y], requires_grad=True)
    z = (point[0] * point[1]) ** 5
    z.backward()
    dz_dy, dz_dx = point.grad
    return dz_dx, dz_dy


def elementwise_derivative(f, x):
    t = torch.empty_like(x).copy_(x).requires_grad_()
    total = f(t).sum()
    total.backward()
    return t.grad
