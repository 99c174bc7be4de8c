# /// mistake
# title = "The loss is a Python float, not a tensor"
# hint = "What does .item() turn a tensor into, and can autograd go on from there?"
# fails = ["test_loss_adds_up_the_squares", "test_loss_of_any_two_matrices"]
# ///

def reconstruction_loss(A, R):
    return ((A - R) ** 2).sum().item()
