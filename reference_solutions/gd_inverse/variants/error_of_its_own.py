"""A class of errors of its own, and a decorator without functools.wraps: the call behaves as asked, the signature says nothing."""

import time

import torch


class NotSquare(ValueError):
    """A matrix that no inverse can be looked for."""


def timed(function):
    def stopwatch(*args, **kwargs):
        begin = time.perf_counter()
        result = function(*args, **kwargs)
        stopwatch.total += time.perf_counter() - begin
        return result

    stopwatch.total = 0.0
    return stopwatch


@timed
def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.dim() != 2 or M.size(0) != M.size(1):
        raise NotSquare(f"shape {tuple(M.shape)}")
    guess, velocity, losses = torch.rand(M.shape).requires_grad_(), 0, []
    for _ in range(num_iterations):
        loss = (guess @ M - torch.eye(len(M))).square().mean()
        losses.append(float(loss))
        velocity = torch.autograd.grad(loss, guess)[0] + momentum * velocity
        guess = (guess - lr * velocity).detach().requires_grad_()
    return guess, losses
