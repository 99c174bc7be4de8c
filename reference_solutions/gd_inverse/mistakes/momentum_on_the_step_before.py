# /// mistake
# title = "X moves before the velocity is updated"
# hint = "With which velocity does X take its very first step?"
# fails = [
#     "test_three_steps_are_those_worked_out_by_hand",
#     "test_finds_the_inverse_of_a_small_matrix",
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
    X = torch.rand(n, n, requires_grad=True)
    velocity = torch.zeros(n, n)
    loss_history = []
    for _ in range(num_iterations):
        loss = ((X @ M - torch.eye(n)) ** 2).mean()
        loss_history.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, X)
        with torch.no_grad():
            X -= lr * velocity
            velocity = momentum * velocity + gradient
    return X.detach(), loss_history
