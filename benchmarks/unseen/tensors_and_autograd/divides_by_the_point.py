# wrong: the derivatives are computed as z/x and 5·z/y, which fails where x or y is zero.
import torch


def dot(a, b):
    return torch.dot(a, b)


def partial_derivatives(x, y):
    # z = x y^5 so dz/dx = y^5 = z/x and dz/dy = 5 x y^4 = 5 z/y
    x = torch.tensor(x, dtype=torch.float64)
    y = torch.tensor(y, dtype=torch.float64)
    z = x * y**5
    return z / x, 5 * z / y


def elementwise_derivative(f, x):
    x_leaf = x.detach().clone().requires_grad_(True)
    y = f(x_leaf)
    grads = torch.autograd.grad(outputs=y.sum(), inputs=x_leaf)
    return grads[0]
