# /// mistake
# title = "Not the last X is returned but the one with the lowest loss"
# hint = "Which X does the docstring ask for: the best, or the one after num_iterations steps?"
# fails = [
#     "test_each_step_is_that_of_the_rule",
#     "test_goes_on_where_the_loss_is_zero",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    best, lowest = X, float("inf")
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
        loss = ((X @ M - torch.eye(n)) ** 2).mean().item()
        if loss < lowest:
            best, lowest = X, loss
    return best, loss_history
