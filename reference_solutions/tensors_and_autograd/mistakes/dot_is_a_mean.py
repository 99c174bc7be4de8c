# /// mistake
# title = "The products are averaged instead of added up"
# hint = "By how much is your result too small, and how does that depend on the length?"
# fails = [
#     "test_dot_of_two_short_vectors",
#     "test_dot_does_not_change_the_vectors",
#     "test_dot_of_vectors_of_any_length",
#     "test_dot_of_opposed_vectors_is_negative",
#     "test_dot_leaves_its_arguments_alone",
# ]
# ///


def dot(a, b):
    return (a * b).mean()
