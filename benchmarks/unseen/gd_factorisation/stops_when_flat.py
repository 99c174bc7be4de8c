# wrong: the loop ends as soon as the loss hardly changes, so fewer than num_iterations steps are taken and recorded.
import torch


def criterion(A, B):
    return torch.square(A - B).sum()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    loss_history = []
    for i in range(num_iterations):
        loss = criterion(torch.matmul(C, F), D)
        loss_history.append(loss.item())
        # converged? then there is no need to go on
        if i > 0 and abs(loss_history[-2] - loss_history[-1]) < 1e-8:
            break
        gC, gF = torch.autograd.grad(loss, [C, F])
        with torch.no_grad():
            C -= lr * gC
            F -= lr * gF
    return C.detach(), F.detach(), loss_history
