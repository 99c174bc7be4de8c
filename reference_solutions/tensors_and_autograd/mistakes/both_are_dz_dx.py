# /// mistake
# title = "The derivative with respect to x is returned twice"
# hint = "Which tensor's .grad holds the derivative with respect to y?"
# fails = [
#     "test_partials_at_three_and_two",
#     "test_partials_at_two_other_points",
#     "test_second_partial_is_dz_dy",
#     "test_partials_at_a_negative_point",
#     "test_partials_where_x_or_y_is_zero",
#     "test_partials_of_a_second_call",
# ]
# ///
import torch


def partial_derivatives(x, y):
    x = torch.tensor(x, requires_grad=True)
    y = torch.tensor(y, requires_grad=True)
    z = x * y**5
    z.backward()
    return x.grad, x.grad
