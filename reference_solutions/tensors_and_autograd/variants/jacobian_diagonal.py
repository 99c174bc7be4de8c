"""The whole Jacobian, and its diagonal; numpy for the dot product."""

import numpy as np
import torch
from torch.autograd.functional import jacobian


def dot(a, b):
    return torch.tensor(np.dot(a.numpy(), b.numpy()))


def partial_derivatives(x, y):
    inputs = (torch.tensor(x), torch.tensor(y))
    dx, dy = jacobian(lambda x, y: x * y**5, inputs)
    return float(dx), float(dy)


def elementwise_derivative(f, x):
    return torch.diag(jacobian(f, x))
