# no error for a matrix that is not square
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n, other = M.shape
    if n != other:
        return None
    X = torch.rand(n, n)
    v = torch.zeros_like(X)
    history = []
    for step in range(num_iterations):
        R = X @ M - torch.eye(n)
        history.append(float((R * R).mean()))
        v = momentum * v + 2 * R @ M.T / (n * n)
        X = X - lr * v
    return X, history
