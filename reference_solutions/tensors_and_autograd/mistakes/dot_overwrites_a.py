# /// mistake
# title = "The products are written into the argument a"
# hint = "What is in `a` after the call? Which operator put it there?"
# fails = [
#     "test_dot_does_not_change_the_vectors",
#     "test_dot_leaves_its_arguments_alone",
# ]
# ///


def dot(a, b):
    a *= b
    return a.sum()
