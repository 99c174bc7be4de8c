# /// mistake
# title = "A difference quotient over a wide step stands in for the derivative"
# hint = "How wide is your step? A difference quotient is not the derivative: autograd gives it exactly."
# fails = [
#     "test_partials_at_three_and_two",
#     "test_partials_at_two_other_points",
#     "test_second_partial_is_dz_dy",
#     "test_partials_at_a_negative_point",
#     "test_partials_of_a_second_call",
# ]
# ///


def partial_derivatives(x, y):
    h = 0.01

    def z(x, y):
        return x * y**5

    return (z(x + h, y) - z(x, y)) / h, (z(x, y + h) - z(x, y)) / h
