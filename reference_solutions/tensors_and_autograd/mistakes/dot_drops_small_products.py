# /// mistake
# title = "Products below a thousandth are left out of the sum"
# hint = "How small may a product be and still count?"
# fails = ["test_dot_of_vectors_of_any_length"]
# ///


def dot(a, b):
    products = a * b
    return products[products.abs() > 1e-3].sum()
