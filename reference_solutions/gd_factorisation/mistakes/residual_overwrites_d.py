# /// mistake
# title = "The residual is computed in place in D"
# hint = "After `D.sub_(...)`, what is left of the matrix that you wanted to factorise?"
# fails = [
#     "test_each_step_goes_down_the_slope",
#     "test_history_is_the_loss_before_each_step",
#     "test_loss_history_falls",
#     "test_d_stays_as_it_was",
#     "test_steps_follow_the_rule_where_the_loss_rises",
#     "test_many_small_steps_follow_the_rule",
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_steps_go_on_where_nothing_is_left_to_gain",
#     "test_loss_is_recorded_before_each_step",
#     "test_factorising_leaves_d_alone",
# ]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    loss_history = []
    for _ in range(num_iterations):
        E = D.sub_(C @ F)
        loss_history.append((E**2).sum().item())
        C, F = C + 2 * lr * E @ F.T, F + 2 * lr * C.T @ E
    return C, F, loss_history
