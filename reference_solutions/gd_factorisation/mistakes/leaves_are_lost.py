# /// mistake
# title = "After the first step C and F are results, not leaves, and have no gradient any more"
# hint = "Is `C - lr * C.grad` still the leaf that `backward` fills?"
# fails = [
#     "test_factors_have_the_right_shapes",
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
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    loss_history = []
    for _ in range(num_iterations):
        loss = criterion(C @ F, D)
        loss_history.append(loss.item())
        loss.backward()
        C = C - lr * C.grad
        F = F - lr * F.grad
    return C.detach(), F.detach(), loss_history
