# /// mistake
# title = "The derivatives are always taken at the point of the example"
# hint = "Where does your function use the x and y that it was given?"
# fails = [
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
    x = torch.tensor(3.0, requires_grad=True)
    y = torch.tensor(2.0, requires_grad=True)
    z = x * y**5
    z.backward()
    return x.grad, y.grad
