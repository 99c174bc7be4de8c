# /// mistake
# title = "The dot product is computed from the angle, which the zero vector does not have"
# hint = "Try a vector of zeros. Which of your steps has no result then?"
# fails = ["test_dot_of_vectors_of_any_length"]
# ///
import torch


def dot(a, b):
    lengths = (a**2).sum().sqrt(), (b**2).sum().sqrt()
    chord = (((a / lengths[0]) - (b / lengths[1])) ** 2).sum()
    return lengths[0] * lengths[1] * (1 - chord / 2)
