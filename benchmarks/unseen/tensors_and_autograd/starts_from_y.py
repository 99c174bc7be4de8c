# wrong: backward is given y itself as the vector and not ones, so the result is f times f'.
import torch


def dot(a, b):
    return a.matmul(b)


def partial_derivatives(x, y):
    x = torch.tensor(x).requires_grad_()
    y = torch.tensor(y).requires_grad_()
    z = x * y**5
    gx = torch.autograd.grad(z, x, retain_graph=True)[0]
    gy = torch.autograd.grad(z, y)[0]
    return gx, gy


def elementwise_derivative(f, x):
    x = x.detach().clone().requires_grad_(True)
    y = f(x)
    # backward wants a vector of the same shape as y
    y.backward(gradient=y.detach())
    return x.grad
