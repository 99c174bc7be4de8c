# /// mistake
# title = "Only the gradient of C is set back to zero"
# hint = "How many .grad are there, and which of them do you clear?"
# fails = [
#     "test_each_step_goes_down_the_slope",
#     "test_steps_follow_the_rule_where_the_loss_rises",
#     "test_many_small_steps_follow_the_rule",
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_steps_go_on_where_nothing_is_left_to_gain",
#     "test_loss_is_recorded_before_each_step",
# ]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    loss_history = []
    H = torch.zeros(k, m)
    for iteration in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        H = H + 2 * C.T @ E
        C, F = C - 2 * lr * E @ F.T, F - lr * H
    return C, F, loss_history
