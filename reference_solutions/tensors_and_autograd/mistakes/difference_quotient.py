# /// mistake
# title = "The derivative is a difference quotient, in double precision"
# hint = "Next to the edge of a domain one of the two points has no value. Let autograd differentiate."
# fails = [
#     "test_derivative_near_the_edge_of_a_domain",
# ]
# ///


def elementwise_derivative(f, x):
    h = 1e-5
    x = x.double()
    return ((f(x + h) - f(x - h)) / (2 * h)).float()
