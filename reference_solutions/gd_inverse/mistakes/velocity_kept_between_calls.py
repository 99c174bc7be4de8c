# /// mistake
# title = "The velocity of one call is still there in the next"
# hint = "Call your function twice with the same seed. Where does the second call begin, and how fast?"
# fails = [
#     "test_each_step_is_that_of_the_rule",
#     "test_loss_history_holds_the_loss_before_each_step",
# ]
# ///
import torch

velocities = {}


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, loss_history = torch.rand(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocities[n] = momentum * velocities.get(n, torch.zeros(n, n)) + 2 / n**2 * R @ M.T
        X = X - lr * velocities[n]
    return X, loss_history
