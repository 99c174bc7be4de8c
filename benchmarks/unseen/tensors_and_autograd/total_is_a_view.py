# wrong: total = a[0] is a view of a, so multiplying it in place changes the first element of the caller's vector.
import torch


def dot(a, b):
    total = a[0]
    total *= b[0]
    for i in range(1, a.shape[0]):
        total = total + a[i] * b[i]
    return total.clone()


def partial_derivatives(x, y):
    px = torch.tensor(float(x), requires_grad=True)
    py = torch.tensor(float(y), requires_grad=True)
    dz_dx, dz_dy = torch.autograd.grad(px * py**5, (px, py))
    return dz_dx, dz_dy


def elementwise_derivative(f, x):
    p = x.detach().clone().requires_grad_()
    y = f(p)
    (g,) = torch.autograd.grad(y, p, grad_outputs=torch.ones_like(y))
    return g
