# wrong: the two leaves are made once outside the function and never emptied, so every call adds to the gradients of the calls before.
import torch

# the two variables of the function
X = torch.zeros((), requires_grad=True)
Y = torch.zeros((), requires_grad=True)


def dot(a, b):
    return a @ b


def partial_derivatives(x, y):
    # put the point in
    X.data.fill_(x)
    Y.data.fill_(y)
    z = X * Y**5
    z.backward()
    return X.grad.item(), Y.grad.item()


def elementwise_derivative(f, x):
    x = x.detach().clone()
    x.requires_grad_(True)
    y = f(x)
    y.backward(torch.ones_like(y))
    return x.grad.clone()
