# /// mistake
# title = "The differences are summed without being squared"
# hint = "What is done to each difference before they are added up?"
# fails = ["test_loss_adds_up_the_squares", "test_loss_of_any_two_matrices"]
# ///

def reconstruction_loss(A, R):
    return (A - R).abs().sum()
