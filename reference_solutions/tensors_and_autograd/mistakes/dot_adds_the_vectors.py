# /// mistake
# title = "The elements are added where they should be multiplied"
# hint = "Work out (1, 2, 3) · (4, 5, 6) on paper. What is done to 1 and 4 first?"
# fails = [
#     "test_dot_of_two_short_vectors",
#     "test_dot_does_not_change_the_vectors",
#     "test_dot_of_vectors_of_any_length",
#     "test_dot_of_vectors_of_length_one",
#     "test_dot_of_opposed_vectors_is_negative",
#     "test_dot_leaves_its_arguments_alone",
# ]
# ///
import torch


def dot(a, b):
    return (a + b).sum()
