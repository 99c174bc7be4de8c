# /// mistake
# title = "A 1×1 matrix comes back without its dimensions"
# hint = "Which shape has your X for a 1×1 matrix?"
# fails = ["test_goes_on_where_the_loss_is_zero"]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X.squeeze(), loss_history
