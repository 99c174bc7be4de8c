# wrong: the loop stops before the last pair, and a Python number is returned in place of a tensor.
import torch


def dot(a, b):
    s = 0.0
    for i in range(0, len(a) - 1):  # indices go from 0 to n-1
        s += a[i].item() * b[i].item()
    return s


def partial_derivatives(x, y):
    x = torch.tensor(x, requires_grad=True, dtype=torch.float64)
    y = torch.tensor(y, requires_grad=True, dtype=torch.float64)
    (x * y**5).backward()
    return x.grad.item(), y.grad.item()


def elementwise_derivative(f, x):
    x2 = x.clone().detach().requires_grad_(True)
    y = f(x2)
    y.backward(torch.ones(len(x2)))
    return x2.grad
