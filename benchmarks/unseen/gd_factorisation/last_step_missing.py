# wrong: the loop is left after the last loss is recorded and before its step, so one step too few is taken.
import torch


def criterion(A, B):
    return ((A - B) * (A - B)).sum()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    loss_history = []
    while True:
        loss = criterion(C @ F, D)
        loss_history.append(loss.item())
        if len(loss_history) == num_iterations:
            break
        loss.backward()
        C.data -= lr * C.grad
        F.data -= lr * F.grad
        C.grad = None
        F.grad = None
    return C, F, loss_history
