# /// mistake
# title = "Differences below a thousandth are left out of the loss"
# hint = "How small may a difference be and still count?"
# fails = ["test_loss_of_any_two_matrices"]
# ///

import torch


def reconstruction_loss(A, R):
    difference = A - R
    difference = torch.where(difference.abs() < 1e-3, 0.0, difference)
    return (difference**2).sum()
