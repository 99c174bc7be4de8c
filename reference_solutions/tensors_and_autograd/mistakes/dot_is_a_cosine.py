# /// mistake
# title = "The dot product is divided by the lengths of the vectors: the cosine of their angle"
# hint = "A dot product grows when one of the vectors does: what in your function undoes that?"
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
    return torch.nn.functional.cosine_similarity(a, b, dim=0)
