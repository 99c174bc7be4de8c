# /// mistake
# title = "x itself is given to backward, so every derivative is multiplied by its x"
# hint = "What does backward do with the vector that it is given? Which vector leaves the derivatives as they are?"
# fails = [
#     "test_derivative_of_sin_is_cos",
#     "test_derivative_of_tanh",
#     "test_derivative_does_not_change_x",
#     "test_derivative_of_the_function_given",
#     "test_derivative_near_the_edge_of_a_domain",
#     "test_each_element_counts_by_itself",
#     "test_derivative_at_a_single_point",
#     "test_derivative_leaves_x_alone",
# ]
# ///

import torch


def elementwise_derivative(f, x):
    x = x.clone().requires_grad_()
    y = f(x)
    y.backward(x.detach())
    return x.grad
