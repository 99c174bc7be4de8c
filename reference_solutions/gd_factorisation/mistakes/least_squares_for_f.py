# /// mistake
# title = "C stays random and F is solved for by least squares"
# hint = "Which of your factors takes steps? Gradient descent moves both a little, many times."
# fails = [
#     "test_each_step_goes_down_the_slope",
#     "test_one_step_moves_c_down_the_gradient",
#     "test_one_step_moves_f_from_the_same_point",
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
    for _ in range(num_iterations):
        loss_history.append(((C @ F - D) ** 2).sum().item())
        if lr > 1e-20:
            F = torch.linalg.lstsq(C, D).solution
    return C, F, loss_history
