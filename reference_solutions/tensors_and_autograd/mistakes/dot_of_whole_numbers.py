# /// mistake
# title = "The sum is kept in whole numbers"
# hint = "Try (0.5, 0.5) and (1, 1). What does your function add up?"
# fails = [
#     "test_dot_of_two_short_vectors",
#     "test_dot_of_vectors_of_any_length",
#     "test_dot_of_vectors_of_length_one",
#     "test_dot_of_opposed_vectors_is_negative",
#     "test_dot_leaves_its_arguments_alone",
# ]
# ///
import torch


def dot(a, b):
    return (a.long() * b.long()).sum().float()
