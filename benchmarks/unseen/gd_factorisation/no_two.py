# the derivative without its 2
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C = torch.rand(D.shape[0], k)
    F = torch.rand(k, D.shape[1])
    losses = []
    for i in range(num_iterations):
        E = C @ F - D
        losses.append((E**2).sum().item())
        step_c = E @ F.T
        step_f = C.T @ E
        C = C - lr * step_c
        F = F - lr * step_f
    return C, F, losses
