# /// mistake
# title = "Learning rates above 0.06 are lowered"
# hint = "Who chooses the learning rate: the caller, or the function?"
# fails = ["test_steps_follow_the_rule_where_the_loss_rises"]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    loss_history = []
    lr = min(lr, 0.06)
    for iteration in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        C, F = C - 2 * lr * E @ F.T, F - 2 * lr * C.T @ E
    return C, F, loss_history
