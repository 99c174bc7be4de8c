# wrong: the steps go down the loss of X M, but the losses on the list are those of M X.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.dim() != 2 or M.shape[0] != M.shape[1]:
        raise ValueError("M must be square")
    n = M.shape[0]
    I = torch.eye(n)
    X = torch.rand(n, n)
    V = torch.zeros(n, n)
    loss_history = []
    for _ in range(num_iterations):
        loss_history.append(((M @ X - I) ** 2).mean().item())
        R = X @ M - I
        V = momentum * V + 2 / n**2 * R @ M.T
        X = X - lr * V
    return X, loss_history
