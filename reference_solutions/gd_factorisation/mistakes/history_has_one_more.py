# /// mistake
# title = "The history has the loss of the start and one more for every step: one value too many"
# hint = "How many values are in your list after 3 iterations?"
# fails = [
#     "test_history_is_the_loss_before_each_step",
#     "test_loss_history_falls",
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
            C -= lr * C.grad
            F -= lr * F.grad
            C.grad.zero_()
            F.grad.zero_()
    loss_history.append(criterion(C @ F, D).item())
    return C.detach(), F.detach(), loss_history
