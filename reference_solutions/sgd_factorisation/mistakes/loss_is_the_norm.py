# /// mistake
# title = "The loss is the norm, not its square"
# hint = "‖·‖_F has a square root in it. Has the loss?"
# fails = ["test_loss_adds_up_the_squares", "test_loss_of_any_two_matrices"]
# ///

import torch


def reconstruction_loss(A, R):
    return torch.linalg.norm(A - R)
