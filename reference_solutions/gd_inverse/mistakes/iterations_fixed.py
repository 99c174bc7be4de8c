# /// mistake
# title = "100 steps are taken, whatever the caller asks for"
# hint = "How many steps does your loop take when num_iterations is 5?"
# fails = [
#     "test_returns_a_square_matrix_and_one_loss_an_iteration",
#     "test_three_steps_are_those_worked_out_by_hand",
#     "test_the_first_loss_is_that_of_the_start",
#     "test_finds_the_inverse_of_a_small_matrix",
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
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    for _ in range(100):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X, loss_history
