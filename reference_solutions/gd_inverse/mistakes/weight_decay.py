# /// mistake
# title = "A small multiple of X is added to the gradient"
# hint = "Which loss do your steps go down: the mean of the squares alone, or is there something else in it?"
# fails = [
#     "test_each_step_is_that_of_the_rule",
#     "test_the_default_number_of_steps_follows_the_rule",
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
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T + 1e-5 * X
        X = X - lr * velocity
    return X, loss_history
