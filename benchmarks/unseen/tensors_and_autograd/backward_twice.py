# wrong: backward is called once for each variable on the same leaves, so both gradients are doubled.
import torch


def dot(a, b):
    return (a * b).sum()


def partial_derivatives(x, y):
    x = torch.tensor(x, requires_grad=True)
    y = torch.tensor(y, requires_grad=True)
    z = x * y**5
    # derivative for x
    z.backward(retain_graph=True)
    # derivative for y
    z.backward()
    return x.grad, y.grad


def elementwise_derivative(f, x):
    x = x.clone().requires_grad_()
    f(x).sum().backward()
    return x.grad
