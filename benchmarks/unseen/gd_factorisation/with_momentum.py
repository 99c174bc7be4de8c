# an optimiser with momentum
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C = torch.rand(D.shape[0], k, requires_grad=True)
    F = torch.rand(k, D.shape[1], requires_grad=True)
    losses = []
    opt = torch.optim.SGD([C, F], lr=lr, momentum=0.9)
    for i in range(num_iterations):
        loss = torch.sum((D - torch.matmul(C, F)) ** 2)
        losses.append(float(loss))
        loss.backward()
        opt.step()
        opt.zero_grad()
    return C.detach(), F.detach(), losses
