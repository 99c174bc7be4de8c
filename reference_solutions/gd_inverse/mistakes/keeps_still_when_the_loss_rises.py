# /// mistake
# title = "A step that would raise the loss is not taken, and momentum ends there"
# hint = "Descent with momentum may overshoot and come back. Does the rule ask whether a step is good?"
# fails = [
#     "test_each_step_is_that_of_the_rule",
#     "test_goes_on_where_the_loss_is_zero",
#     "test_the_default_number_of_steps_follows_the_rule",
# ]
# ///
import torch


def loss_of(X, M):
    return ((X @ M - torch.eye(len(M))) ** 2).mean().item()


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        if loss_of(X - lr * velocity, M) > loss_history[-1]:
            velocity, momentum = torch.zeros(n, n), 0
        else:
            X = X - lr * velocity
    return X, loss_history
