"""A module as it comes out of a notebook: prints, plots, changed global state, a class, results that still require grad."""

import matplotlib.pyplot as plt
import torch

torch.manual_seed(1234)
torch.set_default_dtype(torch.float64)
print("exercise 1")


class Differentiator:
    def __init__(self, f):
        self.f = f

    def __call__(self, x):
        x = torch.nn.Parameter(x.clone())
        y = self.f(x)
        y.backward(gradient=torch.ones_like(y), create_graph=True)
        return x.grad


def dot(a, b):
    products = torch.mul(a, b)
    print("products:", products)
    result = torch.nn.Parameter(products).sum()
    return result


def partial_derivatives(x, y):
    x, y = torch.nn.Parameter(torch.tensor(float(x))), torch.nn.Parameter(torch.tensor(float(y)))
    z = torch.zeros(())
    z = z + x * y.pow(5)
    z.backward(retain_graph=True)
    print(f"dz/dx = {x.grad}, dz/dy = {y.grad}")
    return [x.grad, y.grad]


def elementwise_derivative(f, x):
    return Differentiator(f)(x)


grid = torch.linspace(-3, 3, 50)
plt.plot(grid, elementwise_derivative(torch.sin, grid).detach())
plt.plot(grid, torch.cos(grid), "--")
plt.show()
print(dot(torch.ones(3), torch.ones(3)), partial_derivatives(2.0, 1.0))
