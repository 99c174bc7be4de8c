# /// mistake
# title = "The optimiser has momentum: steps carry on in the direction of the steps before"
# hint = "Plain gradient descent knows nothing of earlier steps: which argument of your optimiser does?"
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
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    optimiser = torch.optim.SGD([C, F], lr=lr, momentum=0.5)
    loss_history = []
    for _ in range(num_iterations):
        optimiser.zero_grad()
        loss = criterion(C @ F, D)
        loss_history.append(loss.item())
        loss.backward()
        optimiser.step()
    return C.detach(), F.detach(), loss_history
