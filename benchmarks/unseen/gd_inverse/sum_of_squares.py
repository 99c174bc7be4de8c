# the sum and not the mean
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.dim() != 2 or M.size(0) != M.size(1):
        raise ValueError("not square")
    size = M.size(0)
    X = torch.rand(size, size)
    v = torch.zeros(size, size)
    history = []
    for step in range(num_iterations):
        X.requires_grad_(True)
        loss = torch.nn.functional.mse_loss(torch.mm(X, M), torch.eye(size), reduction="sum")
        history.append(loss.item())
        g = torch.autograd.grad(loss, X)[0]
        v = momentum * v + g
        X = (X - lr * v).detach()
    return X, history
