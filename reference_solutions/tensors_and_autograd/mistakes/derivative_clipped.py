# /// mistake
# title = "Derivatives are kept between -1 and 1"
# hint = "Try torch.exp at 3. How steep is it there?"
# fails = [
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
    f(x).sum().backward()
    return x.grad.clamp(-1, 1)
