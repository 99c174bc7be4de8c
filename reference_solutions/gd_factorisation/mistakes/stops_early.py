# /// mistake
# title = "The loop ends as soon as the loss hardly changes"
# hint = "How many iterations does the caller ask for, and how many values are in the history?"
# fails = [
#     "test_history_is_the_loss_before_each_step",
#     "test_steps_go_on_where_nothing_is_left_to_gain",
#     "test_the_default_number_of_steps_follows_the_rule",
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
        if len(loss_history) > 1 and abs(loss_history[-2] - loss_history[-1]) < 5e-6:
            break
        loss.backward()
        with torch.no_grad():
            C -= lr * C.grad
            F -= lr * F.grad
            C.grad.zero_()
            F.grad.zero_()
    return C.detach(), F.detach(), loss_history
