# wrong: the differences are added up first and the sum is squared, so plus and minus cancel.
import torch


def criterion(A, B):
    # sum of the differences, squared
    return torch.sum(A - B) ** 2


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    loss_history = []
    for _ in range(num_iterations):
        loss = ((C @ F - D) ** 2).sum()
        loss_history.append(loss.item())
        loss.backward()
        with torch.no_grad():
            C -= lr * C.grad
            F -= lr * F.grad
        C.grad.zero_()
        F.grad.zero_()
    return C, F, loss_history
