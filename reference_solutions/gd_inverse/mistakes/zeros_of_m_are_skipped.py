# /// mistake
# title = "Gradients are set to zero where M is zero"
# hint = "Does the gradient with respect to an entry of X vanish where M has a zero?"
# fails = [
#     "test_three_steps_are_those_worked_out_by_hand",
#     "test_finds_the_inverse_of_a_small_matrix",
#     "test_each_step_is_that_of_the_rule",
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
        velocity = momentum * velocity + 2 / n**2 * (R @ M.T) * (M != 0)
        X = X - lr * velocity
    return X, loss_history
