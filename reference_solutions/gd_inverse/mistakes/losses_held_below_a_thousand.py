# /// mistake
# title = "Losses above 1000 are recorded as 1000"
# hint = "The history holds the loss whatever it is: which values of yours are not computed?"
# fails = ["test_loss_history_holds_the_loss_before_each_step"]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append(min((R**2).mean().item(), 1000.0))
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X, loss_history
