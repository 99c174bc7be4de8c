# /// mistake
# title = "Only every tenth loss is kept"
# hint = "How many values are in your list after 50 iterations?"
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
    for i in range(num_iterations):
        loss = criterion(C @ F, D)
        if i % 10 == 0:
            loss_history.append(loss.item())
        loss.backward()
        with torch.no_grad():
            C -= lr * C.grad
            F -= lr * F.grad
            C.grad.zero_()
            F.grad.zero_()
    return C.detach(), F.detach(), loss_history
