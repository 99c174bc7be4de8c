# /// mistake
# title = "The derivative is differentiated once more"
# hint = "How often do you differentiate? What is the second derivative of sin?"
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
    (first,) = torch.autograd.grad(f(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    return second
