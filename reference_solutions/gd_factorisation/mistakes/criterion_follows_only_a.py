# /// mistake
# title = "B is detached: the gradient with respect to it is lost"
# hint = "The criterion is symmetric in A and B. Is your code?"
# fails = ["test_criterion_can_be_followed_back", "test_criterion_has_the_right_gradients"]
# ///


def criterion(A, B):
    return ((A - B.detach()) ** 2).sum()
