"""Refuses arguments that make no sense, a learning rate of 0 among them; AdamW without decay, defaults filled in by the body, losses in a tuple of 0-d tensors."""

import torch


def check_arguments(M, num_iterations, lr, momentum):
    if not isinstance(M, torch.Tensor) or M.ndim != 2 or M.shape[0] < M.shape[1]:
        raise ValueError("M must be a matrix with no more columns than rows")
    if num_iterations < 1:
        raise ValueError("at least one iteration")
    if lr <= 0:
        raise ValueError("the learning rate must be positive")
    if not 0 <= momentum < 1:
        raise ValueError("momentum must be in [0, 1)")


def gd_svd(M, num_iterations=20000, lr=None, momentum=None):
    lr, momentum = 0.9 if lr is None else lr, 0.9 if momentum is None else momentum
    check_arguments(M, num_iterations, lr, momentum)
    m, n = M.shape
    U, S, V = (torch.rand(shape).requires_grad_() for shape in ((m, n), (n,), (n, n)))
    optimiser = torch.optim.AdamW([U, S, V], lr=lr / 4, betas=(momentum, 0.99), weight_decay=0)
    losses = []
    for _ in range(num_iterations):
        optimiser.zero_grad()
        penalties = [(Q.T @ Q - torch.eye(n)).pow(2).mean() for Q in (U, V)]
        loss = (torch.einsum("ik,k,jk->ij", U, S, V) - M).pow(2).mean() + 0.02 * sum(penalties)
        loss.backward()
        losses.append(loss.detach())
        optimiser.step()
    with torch.no_grad():
        signs = torch.where(S < 0, -1.0, 1.0)
        S, order = torch.sort(S * signs, descending=True)
        return (U * signs)[:, order], S, V[:, order], tuple(losses)
