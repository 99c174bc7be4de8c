# wrong: the loss of the start is put on the list first and the loop then runs from 1, so one step less than num_iterations is taken.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError("M is not square")

    def loss_and_gradient(X):
        R = X @ M - torch.eye(n)
        return (R**2).mean().item(), 2 * R @ M.T / n**2

    X = torch.rand(n, n)
    V = torch.zeros(n, n)
    loss, G = loss_and_gradient(X)
    loss_history = [loss]  # the random start comes first
    for _ in range(1, num_iterations):
        V = momentum * V + G
        X = X - lr * V
        loss, G = loss_and_gradient(X)
        loss_history.append(loss)
    return X, loss_history
