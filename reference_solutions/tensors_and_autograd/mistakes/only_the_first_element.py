# /// mistake
# title = "backward starts from the first value only"
# hint = "Which elements of the result are 0, and which values did you start backward from?"
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
    f(x)[0].backward()
    return x.grad
