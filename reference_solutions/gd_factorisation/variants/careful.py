"""Refuses a learning rate that is not above zero; a decorated function; losses as 0-d tensors."""

import functools

import torch


def counted(function):
    @functools.wraps(function)
    def wrapper(*arguments, **options):
        wrapper.calls += 1
        return function(*arguments, **options)

    wrapper.calls = 0
    return wrapper


def criterion(A, B):
    return torch.sum(torch.square(A - B))


@counted
def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    if lr <= 0 or num_iterations < 1:
        raise ValueError("lr and num_iterations must be positive")
    C, F = torch.rand(D.shape[0], k), torch.rand(k, D.shape[1])
    losses = []
    for _ in range(num_iterations):
        C.requires_grad_()
        F.requires_grad_()
        loss = criterion(C @ F, D)
        losses.append(loss.detach())
        dC, dF = torch.autograd.grad(loss, (C, F))
        C, F = C.detach() - lr * dC, F.detach() - lr * dF
    return C, F, losses
