# /// mistake
# title = "The three ones of the example are built in"
# hint = "How many elements has x, and how many ones do you hand to backward?"
# fails = [
#     "test_derivative_of_sin_is_cos",
#     "test_derivative_of_tanh",
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
    f(x).backward(torch.tensor([1.0, 1.0, 1.0]))
    return x.grad
