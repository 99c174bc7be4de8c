# /// mistake
# title = "Only the last thousand losses are kept"
# hint = "How many values are in your list after 2,000 iterations, and which one is the first?"
# fails = [
#     "test_loss_is_recorded_before_each_step",
# ]
# ///
from collections import deque

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    loss_history = deque(maxlen=1000)
    for _ in range(num_iterations):
        loss = criterion(C @ F, D)
        loss_history.append(loss.item())
        loss.backward()
        with torch.no_grad():
            C -= lr * C.grad
            F -= lr * F.grad
            C.grad.zero_()
            F.grad.zero_()
    return C.detach(), F.detach(), list(loss_history)
