# /// mistake
# title = "The two derivatives are returned as one vector, not as two results"
# hint = "What does `return a, b` give back, and what does your function?"
# fails = [
#     "test_partials_at_three_and_two",
#     "test_partials_at_two_other_points",
#     "test_first_partial_is_dz_dx",
#     "test_second_partial_is_dz_dy",
#     "test_partials_at_a_negative_point",
#     "test_partials_where_x_or_y_is_zero",
#     "test_partials_of_a_second_call",
# ]
# ///

import torch


def partial_derivatives(x, y):
    point = torch.tensor([x, y], requires_grad=True)
    (point[0] * point[1] ** 5).backward()
    return point.grad
