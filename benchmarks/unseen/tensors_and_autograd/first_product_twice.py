# wrong: the total begins with the first product and the loop begins at 0 as well, so the first product counts twice.
import torch


def dot(a, b):
    total = a[0] * b[0]
    for i in range(len(a)):
        total = total + a[i] * b[i]
    return total


def partial_derivatives(x, y):
    x = torch.tensor([x], requires_grad=True)
    y = torch.tensor([y], requires_grad=True)
    z = x * torch.pow(y, 5)
    z.backward()
    return x.grad.item(), y.grad.item()


def elementwise_derivative(f, x):
    leaf = x.clone().detach()
    leaf.requires_grad = True
    y = f(leaf)
    y.backward(gradient=torch.ones_like(y))
    return leaf.grad
