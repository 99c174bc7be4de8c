# /// mistake
# title = "The derivatives come from a table of a few functions, not from autograd"
# hint = "What happens for a function that your table does not know?"
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


TABLE = {torch.sin: torch.cos, torch.cos: lambda x: -torch.sin(x), torch.exp: torch.exp}


def elementwise_derivative(f, x):
    return TABLE[f](x)
