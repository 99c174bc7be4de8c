# /// mistake
# title = "The columns of X move one after the other, each seeing those that have moved"
# hint = "Which X do all entries of one gradient belong to?"
# fails = [
#     "test_finds_the_inverse_of_a_small_matrix",
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
        for column in range(n):
            gradient = 2 / n**2 * (X @ M - torch.eye(n)) @ M.T
            velocity[:, column] = momentum * velocity[:, column] + gradient[:, column]
            X[:, column] -= lr * velocity[:, column]
    return X, loss_history
