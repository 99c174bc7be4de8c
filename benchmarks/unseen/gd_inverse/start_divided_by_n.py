# wrong: the start is torch.rand divided by n, not torch.rand.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("expected n x n")
    n = M.shape[0]
    X = torch.rand(n, n) / n  # small start, so that X M is not huge for larger n
    V = torch.zeros(n, n)
    I = torch.eye(n)
    loss_history = []
    for _ in range(num_iterations):
        R = torch.matmul(X, M) - I
        loss_history.append((R * R).mean().item())
        G = 2.0 * torch.matmul(R, M.T) / (n * n)
        V = momentum * V + G
        X = X - lr * V
    return X, loss_history
