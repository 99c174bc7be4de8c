# /// mistake
# title = "The steps end when the loss rises, and the history is filled up"
# hint = "How many steps does the caller ask for, and what if one of them makes things worse?"
# fails = ["test_steps_follow_the_rule_where_the_loss_rises"]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    loss_history = []
    for iteration in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        if len(loss_history) > 1 and loss_history[-1] > 1.01 * loss_history[-2]:
            loss_history += [loss_history[-1]] * (num_iterations - len(loss_history))
            break
        C, F = C - 2 * lr * E @ F.T, F - 2 * lr * C.T @ E
    return C, F, loss_history
