# /// mistake
# title = "The derivative is a difference with a complex step"
# hint = "Try torch.erf. Which numbers does it know, and which tool of this lesson needs no step at all?"
# fails = ["test_derivative_of_the_function_given"]
# ///
import torch


def elementwise_derivative(f, x):
    h = 1e-20
    z = torch.complex(x.double(), torch.full(x.shape, h, dtype=torch.float64))
    return (f(z).imag / h).float()
