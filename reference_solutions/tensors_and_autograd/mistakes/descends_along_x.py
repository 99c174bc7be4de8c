# /// mistake
# title = "x takes a gradient step, as in gradient descent"
# hint = "Which statement changes x? Does a derivative need it?"
# fails = [
#     "test_derivative_does_not_change_x",
#     "test_derivative_leaves_x_alone",
# ]
# ///

import torch


def elementwise_derivative(f, x):
    x.requires_grad_()
    f(x).sum().backward()
    with torch.no_grad():
        x -= 0.1 * x.grad
    return x.grad
