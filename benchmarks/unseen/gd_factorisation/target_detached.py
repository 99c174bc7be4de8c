# wrong: B is detached as if it were always constant data, so autograd finds no slope along B.
import torch


def criterion(A, B):
    # A is the prediction and B the target. Targets don't need gradients!
    target = B.detach()
    return ((A - target) ** 2).sum()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    opt = torch.optim.SGD([C, F], lr=lr)
    loss_history = []
    for i in range(num_iterations):
        opt.zero_grad()
        loss = criterion(C @ F, D)
        loss.backward()
        loss_history.append(loss.item())
        opt.step()
    return C.detach(), F.detach(), loss_history
