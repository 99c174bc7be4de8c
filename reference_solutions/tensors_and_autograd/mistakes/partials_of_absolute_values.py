# /// mistake
# title = "The signs of x and y are lost"
# hint = "Try x = -2 and y = -1. Which sign has y⁵?"
# fails = [
#     "test_partials_at_two_other_points",
#     "test_partials_at_a_negative_point",
# ]
# ///
import torch


def partial_derivatives(x, y):
    x = torch.tensor(abs(x), requires_grad=True)
    y = torch.tensor(abs(y), requires_grad=True)
    z = x * y**5
    z.backward()
    return x.grad, y.grad
