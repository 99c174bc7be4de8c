# /// mistake
# title = "Differences of neighbouring values stand in for the derivative, one element short"
# hint = "How many gaps are there between n points, and how many derivatives are asked for?"
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


def elementwise_derivative(f, x):
    y = f(x)
    return (y[1:] - y[:-1]) / (x[1:] - x[:-1])
