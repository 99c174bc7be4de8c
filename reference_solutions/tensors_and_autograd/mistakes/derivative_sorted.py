# /// mistake
# title = "The derivatives come in the order of the sorted points"
# hint = "Is the first element of your result the derivative at the first element of x?"
# fails = [
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
    x = x.sort().values.requires_grad_()
    f(x).sum().backward()
    return x.grad
