# /// mistake
# title = "Only positive elements get a derivative"
# hint = "What does your function return at an x that is 0 or below it?"
# fails = [
#     "test_derivative_of_sin_is_cos",
#     "test_derivative_of_tanh",
#     "test_derivative_does_not_change_x",
#     "test_derivative_of_the_function_given",
# ]
# ///
import torch


def elementwise_derivative(f, x):
    x = x.clone().requires_grad_()
    f(x).sum().backward()
    return torch.where(x > 0, x.grad, torch.zeros_like(x))
