# wrong: the sum starts from torch.zeros(1), so the result is a vector of length 1 and not a 0-d tensor.
import torch


def dot(a, b):
    result = torch.zeros(1)
    for x, y in zip(a, b):
        result = result + x * y
    return result


def partial_derivatives(x, y):
    x_t = torch.tensor(x, requires_grad=True)
    y_t = torch.tensor(y, requires_grad=True)
    out = x_t * y_t.pow(5)
    out.backward()
    return float(x_t.grad), float(y_t.grad)


def elementwise_derivative(f, x):
    slopes = []
    for value in x:
        v = value.detach().clone().requires_grad_(True)
        f(v).backward()
        slopes.append(v.grad)
    return torch.stack(slopes)
