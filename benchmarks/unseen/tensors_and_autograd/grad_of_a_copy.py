# wrong: the grad is read from a copy that is no leaf, where it is None.
import torch


def dot(a, b):
    return sum(a[i] * b[i] for i in range(len(a)))


def partial_derivatives(x, y):
    tx = torch.tensor(x, requires_grad=True)
    ty = torch.tensor(y, requires_grad=True)
    torch.mul(tx, ty**5).backward()
    return tx.grad, ty.grad


def elementwise_derivative(f, x):
    leaf = x.detach().requires_grad_(True)
    work = leaf.clone()  # so that x is safe
    y = f(work)
    y.sum().backward()
    return work.grad
