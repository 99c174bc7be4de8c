# /// mistake
# title = "The loss is rounded to two decimals"
# hint = "What does your function return for two matrices that differ by 0.01 in one element?"
# fails = ["test_loss_of_any_two_matrices"]
# ///
import torch


def reconstruction_loss(A, R):
    return torch.round(((A - R) ** 2).sum(), decimals=2)
