# /// mistake
# title = "A product of zero ends the sum"
# hint = "Work through your loop for (1, 0, 2) and (3, 4, 5). Which products does it add?"
# fails = [
#     "test_dot_of_two_short_vectors",
#     "test_dot_of_vectors_of_any_length",
# ]
# ///
import torch


def dot(a, b):
    total = torch.zeros(())
    pairs = iter(zip(a, b))
    while product := next((p * q for p, q in pairs), None):
        total = total + product
    return total
