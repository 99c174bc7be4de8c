# /// mistake
# title = "Only the first hundred elements count"
# hint = "How long may the vectors be for which your function adds up all products?"
# fails = ["test_dot_of_vectors_of_any_length"]
# ///


def dot(a, b):
    return (a[:100] * b[:100]).sum()
