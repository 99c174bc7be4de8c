# /// mistake
# title = "A difference quotient with a narrow step stands for the derivative"
# hint = "Where y is as small as your step, what is the quotient? What does autograd give there?"
# fails = ["test_partials_at_a_negative_point"]
# ///


def partial_derivatives(x, y):
    z, step = lambda x, y: x * y**5, 1e-5
    dz_dx = (z(x + step, y) - z(x - step, y)) / (2 * step)
    return dz_dx, (z(x, y + step) - z(x, y - step)) / (2 * step)
