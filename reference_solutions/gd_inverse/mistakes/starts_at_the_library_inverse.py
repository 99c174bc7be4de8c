# /// mistake
# title = "Descent starts at the library's inverse"
# hint = "What should X know about M before the first step?"
# fails = [
#     "test_starts_from_random_numbers_that_follow_the_seed",
#     "test_three_steps_are_those_worked_out_by_hand",
#     "test_starts_from_random_numbers_whatever_the_matrix",
#     "test_each_step_is_that_of_the_rule",
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_loss_history_holds_the_loss_before_each_step",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError("M is not square")
    X = torch.linalg.inv(M).requires_grad_()
    velocity = torch.zeros(n, n)
    loss_history = []
    for _ in range(num_iterations):
        loss = ((X @ M - torch.eye(n)) ** 2).mean()
        loss_history.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, X)
        with torch.no_grad():
            velocity = momentum * velocity + gradient
            X -= lr * velocity
    return X.detach(), loss_history
