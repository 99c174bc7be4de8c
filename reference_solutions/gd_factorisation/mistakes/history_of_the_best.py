# /// mistake
# title = "The history holds the smallest loss so far"
# hint = "Which value belongs in the history where the loss rises?"
# fails = ["test_loss_is_recorded_before_each_step"]
# ///

import torch


def criterion(A, B):
    return ((A - B) ** 2).sum()

def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C = torch.rand(D.shape[0], k, requires_grad=True)
    F = torch.rand(k, D.shape[1], requires_grad=True)
    best, history = float("inf"), []
    for _ in range(num_iterations):
        loss = criterion(C @ F, D)
        best = min(best, loss.item())
        history.append(best)
        loss.backward()
        with torch.no_grad():
            C -= lr * C.grad
            F -= lr * F.grad
            C.grad.zero_()
            F.grad.zero_()
    return C, F, history
