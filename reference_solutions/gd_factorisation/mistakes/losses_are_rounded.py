# /// mistake
# title = "The losses are rounded to three decimals"
# hint = "What is left of a loss of 0.0004 in your history?"
# fails = [
#     "test_history_is_the_loss_before_each_step",
#     "test_loss_is_recorded_before_each_step",
#     "test_steps_go_on_where_nothing_is_left_to_gain",
# ]
# ///

import torch


def criterion(A, B):
    d = (A - B).reshape(-1)
    return torch.dot(d, d)

def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    left, right = torch.rand(D.shape[0], k), torch.rand(k, D.shape[1])
    history = []
    for step in range(num_iterations):
        E = left @ right - D
        history.append(round(E.square().sum().item(), 3))
        left, right = left - 2 * lr * (E @ right.T), right - 2 * lr * (left.T @ E)
    return left, right, history
