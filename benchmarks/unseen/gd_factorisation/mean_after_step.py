# wrong: what is recorded is the loss after the step and not before it, and divided by the number of elements.
import torch


def criterion(A, B):
    return torch.sum((A - B).pow(2))


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    loss_history = []
    for _ in range(num_iterations):
        criterion(C @ F, D).backward()
        with torch.no_grad():
            C.sub_(lr * C.grad)
            F.sub_(lr * F.grad)
            C.grad = None
            F.grad = None
            # how good are we now? (per element, to compare matrices of different size)
            loss_history.append(criterion(C @ F, D).item() / (n * m))
    return C, F, loss_history
