# /// mistake
# title = "The derivative is taken at |x|"
# hint = "Try torch.exp at -1. What does your function return there?"
# fails = [
#     "test_derivative_does_not_change_x",
#     "test_derivative_of_the_function_given",
# ]
# ///
import torch


def elementwise_derivative(f, x):
    x = x.abs().requires_grad_()
    f(x).sum().backward()
    return x.grad
