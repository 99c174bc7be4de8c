# /// mistake
# title = "The start is moved in a straight line to the library's inverse"
# hint = "Which numbers may a step use: M, X and the velocity, or also the inverse that is being looked for?"
# fails = [
#     "test_three_steps_are_those_worked_out_by_hand",
#     "test_each_step_is_that_of_the_rule",
#     "test_goes_on_where_the_loss_is_zero",
#     "test_the_default_number_of_steps_follows_the_rule",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError("M is not square")
    inverse, X = torch.linalg.inv(M), torch.rand(n, n)
    loss_history = []
    for _ in range(num_iterations):
        loss_history.append(((X @ M - torch.eye(n)) ** 2).mean().item())
        X = X + 0.1 * lr * (inverse - X)
    return X, loss_history
