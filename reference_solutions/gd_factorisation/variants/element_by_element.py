"""The criterion as a double loop over the elements, einsum for the product, losses kept as 0-d tensors."""

import torch


def criterion(A, B):
    total = torch.zeros(())
    for row_a, row_b in zip(A, B):
        for a, b in zip(row_a, row_b):
            total = total + (a - b) ** 2
    return total


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = len(D), len(D[0])
    C, F = torch.rand(n, k, requires_grad=True), torch.rand(k, m, requires_grad=True)
    loss_history = []
    for i in range(num_iterations):
        product = torch.einsum("ij,jk->ik", C, F)
        loss = ((product - D) ** 2).sum()
        loss_history.append(loss.detach())
        loss.backward()
        with torch.no_grad():
            for factor in (C, F):
                factor.sub_(lr * factor.grad)
                factor.grad = None
    return C.detach().clone(), F.detach().clone(), loss_history
