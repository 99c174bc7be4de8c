# /// mistake
# title = "Negative products are left out of the sum"
# hint = "Try (1, -2) and (3, 4). Which products does your function add up?"
# fails = [
#     "test_dot_of_two_short_vectors",
#     "test_dot_does_not_change_the_vectors",
#     "test_dot_of_vectors_of_any_length",
#     "test_dot_of_opposed_vectors_is_negative",
#     "test_dot_leaves_its_arguments_alone",
# ]
# ///
import torch


def dot(a, b):
    return (a * b).clamp(min=0).sum()
