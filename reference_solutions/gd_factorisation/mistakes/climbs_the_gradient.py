# /// mistake
# title = "The gradient is added instead of subtracted"
# hint = "Which way does a gradient point: uphill or downhill?"
# fails = [
#     "test_each_step_goes_down_the_slope",
#     "test_loss_history_falls",
#     "test_d_stays_as_it_was",
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
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    loss_history = []
    for _ in range(num_iterations):
        loss = criterion(C @ F, D)
        loss_history.append(loss.item())
        loss.backward()
        with torch.no_grad():
            C += lr * C.grad
            F += lr * F.grad
            C.grad.zero_()
            F.grad.zero_()
    return C.detach(), F.detach(), loss_history
