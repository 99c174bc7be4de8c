# /// mistake
# title = "What elementwise_derivative gave once, it gives again for every x of that length"
# hint = "Call your function with the same f and other numbers. Does the result change?"
# fails = ["test_derivative_leaves_x_alone"]
# ///

import torch


def dot(a, b):
    return (a * b).sum()


def partial_derivatives(x, y):
    x = torch.tensor(x, requires_grad=True)
    y = torch.tensor(y, requires_grad=True)
    z = x * y**5
    z.backward()
    return x.grad, y.grad

_done = {}


def elementwise_derivative(f, x):
    key = (f, len(x))
    if key not in _done:
        t = x.detach().clone().requires_grad_()
        (_done[key],) = torch.autograd.grad(f(t).sum(), t)
    return _done[key]
