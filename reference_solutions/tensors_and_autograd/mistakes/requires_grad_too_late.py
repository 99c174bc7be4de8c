# /// mistake
# title = "z cannot be followed back to x and y, as where they require grad only after z was computed"
# hint = "Autograd records while you compute: when must it know that you want gradients?"
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
    x, y = torch.tensor(x), torch.tensor(y)
    z = x * y**5
    x.requires_grad_()
    y.requires_grad_()
    z.backward()
    return x.grad, y.grad
