# the history holds tensors
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C = torch.rand(D.shape[0], k, requires_grad=True)
    F = torch.rand(k, D.shape[1], requires_grad=True)
    losses = []
    for i in range(num_iterations):
        loss = torch.sum((D - torch.matmul(C, F)) ** 2)
        losses.append(loss.detach())
        loss.backward()
        C.data = C.data - lr * C.grad
        F.data = F.data - lr * F.grad
        C.grad = None
        F.grad = None
    return C.detach(), F.detach(), losses
