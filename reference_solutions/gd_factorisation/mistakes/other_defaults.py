# /// mistake
# title = "The default values are not those of the signature"
# hint = "Compare the first line of your function with the one that you were given."
# fails = [
#   "test_defaults_are_as_given",
# ]
# ///

import torch


def gd_factorise(D, k, num_iterations=1000, lr=0.01):
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
    return C.detach(), F.detach(), loss_history
