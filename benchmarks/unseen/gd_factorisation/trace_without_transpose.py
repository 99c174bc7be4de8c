# wrong: the trace of E E in place of the trace of Eᵀ E, which is not the sum of squares and does not exist where E is not square.
import torch


def criterion(A, B):
    """Frobenius norm as a trace (linear algebra 1)"""
    E = A - B
    return torch.trace(E @ E)


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k)
    F = torch.rand(k, m)
    history = []
    for _ in range(num_iterations):
        E = C @ F - D
        history.append(float((E * E).sum()))
        step_C = 2 * E @ F.T
        step_F = 2 * C.T @ E
        C = C - lr * step_C
        F = F - lr * step_F
    return C, F, history
