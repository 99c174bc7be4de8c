# /// mistake
# title = "The list holds the sum of the squares, and X goes down their mean"
# hint = "By how much is the loss of a 4×4 matrix to be divided?"
# fails = [
#     "test_the_first_loss_is_that_of_the_start",
#     "test_loss_history_holds_the_loss_before_each_step",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).sum().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X, loss_history
