# wrong: the X with the smallest loss so far is returned and not the last one, which momentum often makes another.
import torch


def mean_square(X, M):
    return ((X @ M - torch.eye(len(M))) ** 2).mean()


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("M must be n x n")
    n = len(M)
    X = torch.rand(n, n)
    V = torch.zeros(n, n)
    best_X, best_loss = X, float("inf")
    loss_history = []
    for _ in range(num_iterations):
        loss_history.append(mean_square(X, M).item())
        V = momentum * V + 2 / n**2 * (X @ M - torch.eye(n)) @ M.T
        X = X - lr * V
        # the loss goes up and down, so keep the best
        now = mean_square(X, M).item()
        if now < best_loss:
            best_X, best_loss = X, now
    return best_X, loss_history
