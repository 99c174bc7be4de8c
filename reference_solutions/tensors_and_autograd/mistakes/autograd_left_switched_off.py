# /// mistake
# title = "Autograd is switched off and left so"
# hint = "What happens when your function is called a second time? `with torch.no_grad():` ends by itself."
# fails = ["test_derivative_leaves_x_alone"]
# ///

import torch


def dot(a, b):
    total = torch.tensor(0.0)
    for i in range(len(a)):
        total = total + a[i] * b[i]
    return total


def partial_derivatives(x, y):
    return y**5, 5 * x * y**4

def elementwise_derivative(f, x):
    leaf = x.clone().detach().requires_grad_()
    y = f(leaf)
    y.sum().backward()
    torch.set_grad_enabled(False)  # nothing more to record
    return leaf.grad
