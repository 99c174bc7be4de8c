# /// mistake
# title = "A leaf that all elements share keeps adding up its gradient"
# hint = "What is in `.grad` before the second turn of your loop?"
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
    leaf = torch.zeros((), requires_grad=True)
    slopes = []
    for value in x:
        with torch.no_grad():
            leaf.copy_(value)
        f(leaf).backward()
        slopes.append(leaf.grad.clone())
    return torch.stack(slopes)
