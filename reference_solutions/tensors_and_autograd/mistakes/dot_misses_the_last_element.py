# /// mistake
# title = "The loop stops one element early"
# hint = "Which indices does `range(len(a) - 1)` visit?"
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
    total = torch.tensor(0.0)
    for i in range(len(a) - 1):
        total = total + a[i] * b[i]
    return total
