# /// mistake
# title = "A matrix without an inverse is refused, too"
# hint = "Which matrices does the docstring want refused? May descent start on one whose determinant is 0?"
# fails = ["test_starts_from_random_numbers_whatever_the_matrix"]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    if abs(torch.linalg.det(M).item()) < 1e-4:
        raise ValueError("M is singular and has no inverse")
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X, loss_history
