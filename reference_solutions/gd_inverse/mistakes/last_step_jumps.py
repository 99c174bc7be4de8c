# /// mistake
# title = "A long descent ends with a jump to the inverse of a library"
# hint = "Which numbers may a step use: X and M, or also the inverse that is being looked for?"
# fails = [
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_each_step_is_that_of_the_rule",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    for step in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
        if lr > 0 and step == num_iterations - 1 >= 20:
            X = torch.linalg.inv(M)
    return X, loss_history
