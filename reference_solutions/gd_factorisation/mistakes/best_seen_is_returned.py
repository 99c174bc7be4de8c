# /// mistake
# title = "The best factors seen are returned, not the last ones"
# hint = "Which factors does the docstring ask for when the loss rises?"
# fails = ["test_steps_follow_the_rule_where_the_loss_rises"]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    loss_history = []
    best, kept = float('inf'), (C, F)
    for iteration in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        if loss_history[-1] < best:
            best, kept = loss_history[-1], (C, F)
        C, F = C - 2 * lr * E @ F.T, F - 2 * lr * C.T @ E
    last = float(((C @ F - D) ** 2).sum())
    if last < best:
        kept = (C, F)
    return *kept, loss_history
