# /// mistake
# title = "The cosine is returned, whatever f is"
# hint = "What is the derivative of exp? What does your function return for it?"
# fails = [
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
    return torch.cos(x)
