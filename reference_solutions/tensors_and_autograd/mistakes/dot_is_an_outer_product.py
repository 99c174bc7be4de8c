# /// mistake
# title = "Every element is multiplied by every other one: the outer product"
# hint = "Which shape has your result, and which one should it have?"
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
    return torch.outer(a, b)
