# /// mistake
# title = "loss_history holds the smallest loss so far"
# hint = "Which value belongs in the history where the loss rises?"
# fails = ["test_loss_history_holds_the_loss_before_each_step"]
# ///

import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("M is not square")
    X = torch.rand(M.shape, requires_grad=True)
    optimiser = torch.optim.SGD([X], lr=lr, momentum=momentum)
    identity = torch.eye(len(M))
    best, history = float("inf"), []
    for _ in range(num_iterations):
        optimiser.zero_grad()
        loss = ((X @ M - identity) ** 2).mean()
        best = min(best, loss.item())
        history.append(best)
        loss.backward()
        optimiser.step()
    return X.detach(), history
