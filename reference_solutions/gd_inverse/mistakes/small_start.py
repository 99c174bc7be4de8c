# /// mistake
# title = "X starts from a tenth of torch.rand"
# hint = "Which numbers does torch.rand give, and which ones does X start with?"
# fails = ["test_starts_from_random_numbers_whatever_the_matrix"]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = 0.1 * torch.rand(n, n), torch.zeros(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X, loss_history
