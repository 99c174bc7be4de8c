"""A functional loss differentiated by torch.func; torch.optim.Adamax fed with the gradients by hand."""

import torch
from torch.func import grad_and_value


def loss_of(factors, M):
    U, S, V = factors
    I = torch.eye(len(S))
    return ((U * S @ V.T - M) ** 2).mean() + (((U.T @ U - I) ** 2).mean() + ((V.T @ V - I) ** 2).mean()) / 100


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    factors = tuple(torch.rand(size) for size in ((m, n), (n,), (n, n)))
    optimiser = torch.optim.Adamax(factors, lr=lr)
    derivative = grad_and_value(loss_of)
    history = []
    for _ in range(num_iterations):
        gradients, loss = derivative(factors, M)
        history.append(float(loss))
        for factor, gradient in zip(factors, gradients, strict=True):
            factor.grad = gradient
        optimiser.step()
    U, S, V = factors
    V = V * torch.where(S >= 0, 1.0, -1.0)
    S, order = torch.sort(S.abs(), dim=0, descending=True)
    return U[:, order], S, V[:, order], history
