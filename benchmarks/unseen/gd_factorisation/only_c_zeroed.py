# wrong: a copied line empties C.grad twice and never F.grad, so the gradients of F pile up.
import torch


def criterion(A, B):
    return ((A - B) ** 2).sum()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand((n, k), requires_grad=True)
    F = torch.rand((k, m), requires_grad=True)
    loss_history = []
    for it in range(num_iterations):
        # forward + loss
        loss = criterion(C @ F, D)
        loss_history.append(loss.item())
        # backward
        loss.backward()
        # update
        with torch.no_grad():
            C -= lr * C.grad
            F -= lr * F.grad
        # zero
        C.grad.zero_()
        C.grad.zero_()
    return C, F, loss_history
