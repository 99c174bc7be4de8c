# /// mistake
# title = "The loss subtracts in place and so changes A"
# hint = "What does A hold after `A -= R`?"
# fails = ["test_loss_adds_up_the_squares", "test_loss_of_any_two_matrices"]
# ///

def reconstruction_loss(A, R):
    A -= R
    return (A**2).sum()
