# /// mistake
# title = "The result is a vector with one element, not a 0-d tensor"
# hint = "Compare the shapes `(1,)` and `()`: which argument or operation keeps the dimension?"
# fails = [
#     "test_dot_of_two_short_vectors",
#     "test_dot_does_not_change_the_vectors",
#     "test_dot_of_vectors_of_any_length",
#     "test_dot_of_vectors_of_length_one",
#     "test_dot_of_opposed_vectors_is_negative",
#     "test_dot_leaves_its_arguments_alone",
# ]
# ///


def dot(a, b):
    return (a * b).sum(dim=0, keepdim=True)
