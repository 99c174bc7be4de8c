# /// mistake
# title = "The derivatives are rounded to two digits"
# hint = "Try y = 0.1. What is left of y⁵?"
# fails = [
#     "test_first_partial_is_dz_dx",
#     "test_second_partial_is_dz_dy",
#     "test_partials_at_a_negative_point",
#     "test_partials_where_x_or_y_is_zero",
#     "test_partials_of_a_second_call",
# ]
# ///
import torch


def partial_derivatives(x, y):
    return round(y**5, 2), round(5 * x * y**4, 2)
