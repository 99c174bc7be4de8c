# /// mistake
# title = "The derivatives are made from z by dividing by x and by y"
# hint = "What happens on the axes, where x or y is 0?"
# fails = [
#   "test_partials_where_x_or_y_is_zero",
# ]
# ///


def partial_derivatives(x, y):
    z = x * y**5
    return z / x, 5 * z / y
