# wrong: the hand-written slope of F lacks the factor 2, that of C has it.
import torch


def criterion(A, B):
    total = torch.zeros(())
    for row_a, row_b in zip(A, B):
        total = total + ((row_a - row_b) ** 2).sum()
    return total


def gradients(C, F, D):
    E = C.mm(F) - D
    dC = 2 * E.mm(F.t())
    dF = C.t().mm(E)
    return dC, dF


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.size()
    C = torch.rand(n, k)
    F = torch.rand(k, m)
    loss_history = []
    for _ in range(num_iterations):
        loss_history.append(float(criterion(C.mm(F), D)))
        dC, dF = gradients(C, F, D)
        C = C - lr * dC
        F = F - lr * dF
    return C, F, loss_history
