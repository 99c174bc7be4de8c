# wrong: the optimiser has momentum 0.9, which is not plain gradient descent.
import torch
from torch import optim


def criterion(A, B):
    return ((A - B) ** 2).sum()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C = torch.rand(D.shape[0], k, requires_grad=True)
    F = torch.rand(k, D.shape[1], requires_grad=True)
    # momentum gets us over the saddle faster
    optimiser = optim.SGD([C, F], lr=lr, momentum=0.9)
    losses = []
    for _ in range(num_iterations):
        optimiser.zero_grad()
        loss = criterion(C @ F, D)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return C, F, losses
