"""Reference solution: a dot product, partial derivatives and an elementwise derivative by autograd."""

import torch


def dot(a, b):
    """The dot product of two vectors: multiply element by element, then add up.

    a, b: 1-D float tensors of the same length, at least 1; not changed
    Returns a 0-d tensor (shape `()`), not a Python number.
    """
    ### BEGIN SOLUTION
    return (a * b).sum()
    ### END SOLUTION


def partial_derivatives(x, y):
    """The partial derivatives of z = x · y⁵ at one point.

    x, y: Python floats; they may be negative or zero
    Returns (dz_dx, dz_dy): two numbers, each a Python float or a tensor with one element.
    """
    ### BEGIN SOLUTION
    x = torch.tensor(x, requires_grad=True)
    y = torch.tensor(y, requires_grad=True)
    z = x * y**5
    z.backward()
    return x.grad, y.grad
    ### END SOLUTION


def elementwise_derivative(f, x):
    """The derivative of f at every element of x, found by autograd.

    f: an elementwise torch function such as torch.sin or torch.exp: it maps a tensor to a tensor of the same shape
    x: 1-D float tensor, at least one element, in any order; its values are not changed
    Returns a 1-D tensor of the length of x; its element i is f'(x[i]).
    """
    ### BEGIN SOLUTION
    x = x.clone().requires_grad_()
    y = f(x)
    y.backward(torch.ones_like(y))
    return x.grad
    ### END SOLUTION
