# /// mistake
# title = "The loop ends when the loss is small"
# hint = "How many steps does the caller ask for, and how many values are in the history?"
# fails = ["test_steps_go_on_where_nothing_is_left_to_gain"]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    loss_history = []
    for iteration in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        if loss_history[-1] < 1e-6:
            break
        C, F = C - 2 * lr * E @ F.T, F - 2 * lr * C.T @ E
    return C, F, loss_history
