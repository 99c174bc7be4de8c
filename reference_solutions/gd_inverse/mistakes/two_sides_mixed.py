# /// mistake
# title = "The steps go down one loss, and another one is recorded"
# hint = "Is X M the same matrix as M X? Which of the two does your loop differentiate, and which does it record?"
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
        loss_history.append(((M @ X - torch.eye(n)) ** 2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X, loss_history
