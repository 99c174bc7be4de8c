"""torch.func.value_and_grad of a function of X; the heavy-ball form, with the place before instead of a velocity."""

import torch
from torch.func import grad_and_value


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.size(0)
    if M.size(1) != n:
        raise ValueError("M should have as many rows as columns")
    step = grad_and_value(lambda X: torch.mean((M @ X - torch.eye(n)).pow(2)))
    X = torch.rand(n, n)
    before = X.clone()
    loss_history = []
    for _ in range(num_iterations):
        gradient, loss = step(X)
        loss_history.append(loss.item())
        X, before = X - lr * gradient + momentum * (X - before), X
    return X, loss_history
