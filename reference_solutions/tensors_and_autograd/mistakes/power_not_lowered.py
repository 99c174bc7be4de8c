# /// mistake
# title = "dz/dy is taken as 5·x·y⁵: the exponent is not lowered"
# hint = "What is the derivative of y² with respect to y? Where did the exponent go?"
# fails = [
#     "test_partials_at_three_and_two",
#     "test_partials_at_two_other_points",
#     "test_second_partial_is_dz_dy",
#     "test_partials_at_a_negative_point",
#     "test_partials_of_a_second_call",
# ]
# ///


def partial_derivatives(x, y):
    return y**5, 5 * x * y**5
