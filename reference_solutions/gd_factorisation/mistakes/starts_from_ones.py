# /// mistake
# title = "All entries start from the same number, so all columns of C stay alike"
# hint = "What makes the first column of C differ from the second, if both start the same?"
# fails = [
#     "test_descent_starts_from_random_numbers",
#     "test_start_is_torch_rand",
# ]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.ones(n, k, requires_grad=True)
    F = torch.ones(k, m, requires_grad=True)
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
