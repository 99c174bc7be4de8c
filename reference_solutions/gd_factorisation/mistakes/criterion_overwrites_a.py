# /// mistake
# title = "The difference is written into the argument A"
# hint = "What is in `A` after the call? Which operator put it there?"
# fails = [
#     "test_criterion_can_be_followed_back",
#     "test_criterion_only_looks",
#     "test_criterion_has_the_right_gradients",
#     "test_criterion_leaves_its_arguments_alone",
# ]
# ///


def criterion(A, B):
    A -= B
    return (A**2).sum()
