# /// mistake
# title = "The gradient of y is zeroed before it is returned"
# hint = "What is in y.grad when your function returns? A gradient and its name are one tensor."
# fails = [
#     "test_partials_at_three_and_two",
#     "test_partials_at_two_other_points",
#     "test_second_partial_is_dz_dy",
#     "test_partials_at_a_negative_point",
#     "test_partials_of_a_second_call",
# ]
# ///
import torch


def partial_derivatives(x, y):
    x = torch.tensor(x, requires_grad=True)
    y = torch.tensor(y, requires_grad=True)
    z = x * y**5
    z.backward()
    dz_dx, dz_dy = x.grad.clone(), y.grad
    y.grad.zero_()
    return dz_dx, dz_dy
