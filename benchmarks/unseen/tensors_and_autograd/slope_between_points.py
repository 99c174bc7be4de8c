# wrong: torch.gradient gives difference quotients between neighbouring points of the grid, not the derivative at each of them.
import torch


def dot(a, b):
    total = torch.tensor(0.0)
    for p, q in zip(a, b):
        total = total + p * q
    return total


def partial_derivatives(x, y):
    v = torch.tensor([x, y], requires_grad=True)
    z = v[0] * v[1] ** 5
    z.backward()
    return v.grad[0], v.grad[1]


def elementwise_derivative(f, x):
    # torch has a gradient function :)
    y = f(x)
    return torch.gradient(y, spacing=(x,))[0]
