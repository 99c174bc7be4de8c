# wrong: the gradient is divided by n and not by n squared, so it does not belong to the mean over all entries.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.size(0) != M.size(1):
        raise ValueError("need a square matrix")
    n = len(M)
    X, V = torch.rand(n, n), torch.zeros(n, n)
    history = []
    for _ in range(num_iterations):
        R = X.mm(M) - torch.eye(n)
        history.append(float(torch.mean(R**2)))
        # derivative of the mean: 2/n * R * M^T
        G = (2 / n) * R.mm(M.t())
        V = momentum * V + G
        X = X - lr * V
    return X, history
