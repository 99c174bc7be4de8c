# /// mistake
# title = "The leaves live outside the function, and every call adds to their gradients"
# hint = "Call your function twice at the same point. What is in .grad when the second call begins?"
# fails = ["test_partials_of_a_second_call"]
# ///
import torch

leaves = torch.zeros(2, requires_grad=True)


def partial_derivatives(x, y):
    with torch.no_grad():
        leaves.copy_(torch.tensor([x, y]))
    z = leaves[0] * leaves[1] ** 5
    z.backward()
    dz_dx, dz_dy = leaves.grad.tolist()
    return dz_dx, dz_dy
