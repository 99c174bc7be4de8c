"""The velocity lives in X.grad: multiplied by momentum where others empty it, and added to by backward()."""

import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if n != M.shape[1]:
        raise ValueError("M must be square")
    X = torch.rand(n, n, requires_grad=True)
    loss_history = []
    for _ in range(num_iterations):
        if X.grad is not None:
            X.grad *= momentum
        loss = torch.mean((X @ M - torch.eye(n)) ** 2)
        loss.backward()
        loss_history.append(loss.item())
        X.data -= lr * X.grad
    return X, loss_history
