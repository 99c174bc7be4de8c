# /// mistake
# title = "The loss has a penalty on large entries of X"
# hint = "Which loss do your steps go down, and which one do you record?"
# fails = [
#     "test_finds_the_inverse_of_a_small_matrix",
#     "test_each_step_is_that_of_the_rule",
#     "test_goes_on_where_the_loss_is_zero",
#     "test_the_default_number_of_steps_follows_the_rule",
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
        loss_history.append(((R**2).mean() + 0.01 * (X**2).mean()).item())
        velocity = momentum * velocity + 2 / n**2 * (R @ M.T + 0.01 * X)
        X = X - lr * velocity
    return X, loss_history
