# wrong: the second result is the derivative of dz/dx with respect to y and not that of z.
import torch


def dot(a, b):
    return torch.einsum("i,i->", a, b)


def partial_derivatives(x, y):
    x = torch.tensor(x, requires_grad=True)
    y = torch.tensor(y, requires_grad=True)
    z = x * y**5
    # first along x ...
    dz = torch.autograd.grad(z, x, create_graph=True)[0]
    dz_dx = dz.item()
    # ... then along y
    dz = torch.autograd.grad(dz, y)[0]
    dz_dy = dz.item()
    return dz_dx, dz_dy


def elementwise_derivative(f, x):
    start = x.clone().detach().requires_grad_(True)
    weights = torch.ones(x.shape)
    f(start).backward(gradient=weights)
    return start.grad
