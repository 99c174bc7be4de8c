# /// mistake
# title = "X is 2×2, whatever M is"
# hint = "How many rows and columns has X for a 3×3 matrix?"
# fails = [
#     "test_returns_a_square_matrix_and_one_loss_an_iteration",
#     "test_starts_from_random_numbers_that_follow_the_seed",
#     "test_starts_from_random_numbers_whatever_the_matrix",
#     "test_each_step_is_that_of_the_rule",
#     "test_goes_on_where_the_loss_is_zero",
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_loss_history_holds_the_loss_before_each_step",
#     "test_defaults_are_those_of_the_stub",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = torch.rand(2, 2), torch.zeros(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X, loss_history
