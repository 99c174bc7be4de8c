# /// mistake
# title = "The derivative of the first 32 elements, and of no others"
# hint = "Of how many elements is the result, where x has a hundred?"
# fails = ["test_derivative_of_the_function_given"]
# ///


def elementwise_derivative(f, x):
    x = x[:32].clone().requires_grad_()
    f(x).sum().backward()
    return x.grad
