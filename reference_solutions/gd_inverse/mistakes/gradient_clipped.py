# /// mistake
# title = "Gradients longer than 1/2 are shortened"
# hint = "Is there a bound on the gradient in the rule? Try a learning rate at which the descent leads away."
# fails = [
#     "test_three_steps_are_those_worked_out_by_hand",
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
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        gradient = 2 / n**2 * R @ M.T
        gradient = gradient / max(1.0, 2 * gradient.norm().item())
        velocity = momentum * velocity + gradient
        X = X - lr * velocity
    return X, loss_history
