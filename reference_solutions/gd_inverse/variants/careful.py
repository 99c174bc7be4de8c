"""Refuses arguments that make no sense, a learning rate of 0 among them; losses as detached 0-d tensors in a tuple."""

import torch


def check_arguments(M, num_iterations, lr, momentum):
    if not isinstance(M, torch.Tensor) or M.ndim != 2 or M.shape[0] != M.shape[1]:
        raise ValueError("M must be a square matrix")
    if num_iterations < 1:
        raise ValueError("at least one iteration")
    if lr <= 0:
        raise ValueError("the learning rate must be positive")
    if not 0 <= momentum < 1:
        raise ValueError("momentum must be in [0, 1)")


def gd_inverse(M, num_iterations=10000, lr=None, momentum=None):
    lr, momentum = 0.9 if lr is None else lr, 0.9 if momentum is None else momentum
    check_arguments(M, num_iterations, lr, momentum)
    target = torch.eye(M.shape[0], dtype=M.dtype)
    X = torch.rand(target.shape, dtype=M.dtype)
    velocity, history = torch.zeros_like(X), []
    for iteration in range(num_iterations):
        difference = torch.matmul(M, X) - target
        history.append(difference.pow(2).mean())
        velocity = momentum * velocity + 2 * torch.matmul(M.mT, difference) / difference.numel()
        X = X - lr * velocity
    return X, tuple(history)
