# /// mistake
# title = "Every function returns zeros of the right shape"
# hint = "Does the result depend on the arguments at all?"
# fails = [
#     "test_dot_of_two_short_vectors",
#     "test_dot_does_not_change_the_vectors",
#     "test_partials_at_three_and_two",
#     "test_partials_at_two_other_points",
#     "test_derivative_of_sin_is_cos",
#     "test_derivative_of_tanh",
#     "test_derivative_does_not_change_x",
#     "test_dot_of_vectors_of_any_length",
#     "test_dot_of_vectors_of_length_one",
#     "test_dot_of_opposed_vectors_is_negative",
#     "test_dot_leaves_its_arguments_alone",
#     "test_first_partial_is_dz_dx",
#     "test_second_partial_is_dz_dy",
#     "test_partials_at_a_negative_point",
#     "test_partials_where_x_or_y_is_zero",
#     "test_partials_of_a_second_call",
#     "test_derivative_of_the_function_given",
#     "test_derivative_near_the_edge_of_a_domain",
#     "test_each_element_counts_by_itself",
#     "test_derivative_at_a_single_point",
#     "test_derivative_leaves_x_alone",
# ]
# ///

import torch


def dot(a, b):
    return torch.zeros(())


def partial_derivatives(x, y):
    return torch.zeros(()), torch.zeros(())


def elementwise_derivative(f, x):
    return torch.zeros_like(x)
