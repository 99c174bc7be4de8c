# wrong: the gradients are emptied between backward and step, so nothing ever moves.
import torch


def criterion(A, B):
    return torch.nn.functional.mse_loss(A, B, reduction="sum")


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k).requires_grad_()
    F = torch.rand(k, m).requires_grad_()
    optimizer = torch.optim.SGD([C, F], lr=lr)
    loss_history = []
    for _ in range(num_iterations):
        loss = criterion(C @ F, D)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        loss_history.append(loss.item())
    return C, F, loss_history
