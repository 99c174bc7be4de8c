"""A helper class, a module that prints and runs its own example, results that still require grad, losses as 0-d tensors."""

import torch

torch.manual_seed(1234)


class Momentum:
    def __init__(self, size, mu):
        self.v, self.mu = torch.zeros(size), mu

    def __call__(self, g):
        self.v = self.mu * self.v + g
        return self.v


def square(M):
    return M.ndim == 2 and M.shape[0] == M.shape[1]


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9, verbose=False):
    if not square(M):
        raise ValueError(f"cannot invert a matrix of shape {M.shape}")
    n = M.shape[0]
    X = torch.rand(n, n)
    direction = Momentum((n, n), momentum)
    loss_history = []
    for i in range(num_iterations):
        X = X.detach().requires_grad_()
        loss = torch.sum((X @ M - torch.eye(n)) ** 2) / (n * n)
        loss.backward()
        loss_history.append(loss)
        X = X - lr * direction(X.grad)
        if verbose and i % 100 == 0:
            print(i, loss.item())
    return X, loss_history


X, losses = gd_inverse(torch.tensor([[2.0, 0.5], [0.3, 1.5]]), 50, verbose=True)
print("inverse:", X, "loss", losses[-1])
