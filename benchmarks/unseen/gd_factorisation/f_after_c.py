# F takes its step from the new C
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C = torch.rand(D.shape[0], k)
    F = torch.rand(k, D.shape[1])
    losses = []
    for i in range(num_iterations):
        E = C @ F - D
        losses.append((E**2).sum().item())
        step_c = 2 * E @ F.T
        C = C - lr * step_c
        E = C @ F - D
        F = F - lr * 2 * C.T @ E
    return C, F, losses
