"""Everything in float64, and returned like that; updates through .data; gradients set to None."""

import torch


def criterion(A, B):
    return torch.sum((A.double() - B.double()) ** 2)


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    D = D.double()
    C = torch.rand(D.shape[0], k, dtype=torch.float64, requires_grad=True)
    F = torch.rand(k, D.shape[1], dtype=torch.float64, requires_grad=True)
    loss_history = [0.0] * num_iterations
    for i in range(num_iterations):
        C.grad = F.grad = None
        loss = criterion(C.matmul(F), D)
        loss.backward()
        loss_history[i] = loss.item()
        C.data -= lr * C.grad.data
        F.data -= lr * F.grad.data
    return C, F, loss_history
