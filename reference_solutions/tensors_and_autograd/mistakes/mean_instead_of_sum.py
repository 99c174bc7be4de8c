# /// mistake
# title = "backward starts from the mean of the values"
# hint = "By which factor are your derivatives too small, and on what does it depend?"
# fails = [
#     "test_derivative_of_sin_is_cos",
#     "test_derivative_of_tanh",
#     "test_derivative_does_not_change_x",
#     "test_derivative_of_the_function_given",
#     "test_derivative_near_the_edge_of_a_domain",
#     "test_each_element_counts_by_itself",
#     "test_derivative_leaves_x_alone",
# ]
# ///

import torch


def elementwise_derivative(f, x):
    x = x.clone().requires_grad_()
    f(x).mean().backward()
    return x.grad
