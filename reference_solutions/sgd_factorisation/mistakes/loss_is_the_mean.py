# /// mistake
# title = "The loss is the mean of the squares, not their sum"
# hint = "Should the loss of a large matrix be divided by the number of its elements?"
# fails = ["test_loss_adds_up_the_squares", "test_loss_of_any_two_matrices"]
# ///

def reconstruction_loss(A, R):
    return ((A - R) ** 2).mean()
