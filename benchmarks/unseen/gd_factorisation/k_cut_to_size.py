# wrong: a k larger than n or m is silently replaced by the smaller of the two, so C and F have too few columns and rows.
import torch


def criterion(A, B):
    return torch.sum((B - A) ** 2)


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    k = min(k, n, m)  # the rank can't be larger than that anyway
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    loss_history = []
    for _ in range(num_iterations):
        loss = criterion(C @ F, D)
        loss.backward()
        loss_history.append(loss.item())
        with torch.no_grad():
            for factor in (C, F):
                factor -= lr * factor.grad
                factor.grad.zero_()
    return C, F, loss_history
