"""A module as it comes out of a notebook: nn.Module, helper functions, prints, plots, changed global state."""

import matplotlib.pyplot as plt
import torch

torch.manual_seed(42)
torch.set_default_dtype(torch.float64)


class Factorisation(torch.nn.Module):
    def __init__(self, n, m, k):
        super().__init__()
        self.C = torch.nn.Parameter(torch.rand(n, k))
        self.F = torch.nn.Parameter(torch.rand(k, m))

    def forward(self):
        return self.C @ self.F


def criterion(A, B):
    return torch.nn.MSELoss(reduction="sum")(A, B)


def take_step(model, lr):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(parameter.grad, alpha=-lr)


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    model = Factorisation(*D.shape, k)
    losses = []
    for iteration in range(num_iterations):
        loss = criterion(model(), D)
        model.zero_grad()
        loss.backward()
        losses.append(loss.item())
        take_step(model, lr)
        if iteration % 100 == 0:
            print(f"iteration {iteration}: {loss.item():.4f}")
    return model.C.data, model.F.data, losses


C, F, losses = gd_factorise(torch.rand(4, 3), 2, 20, 0.01)
plt.semilogy(losses)
plt.show()
torch.set_grad_enabled(False)
