# /// mistake
# title = "The lengths of the vectors are multiplied"
# hint = "What comes out for two vectors that are at a right angle to each other?"
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
    return (a**2).sum().sqrt() * (b**2).sum().sqrt()
