# wrong: C moves in the even iterations and F in the odd ones, where each iteration should move both.
import torch


def criterion(A, B):
    return (A - B).pow(2).sum()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k)
    F = torch.rand(k, m)
    loss_history = []
    for t in range(num_iterations):
        E = C @ F - D
        loss_history.append(criterion(C @ F, D).item())
        # keep one factor fixed while the other one learns
        if t % 2 == 0:
            C = C - lr * 2 * E @ F.T
        else:
            F = F - lr * 2 * C.T @ E
    return C, F, loss_history
