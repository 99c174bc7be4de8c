# /// mistake
# title = "C and F start from torch.randn"
# hint = "Can an entry of your start be negative? Can one of torch.rand?"
# fails = [
#     "test_descent_starts_from_random_numbers",
#     "test_start_is_torch_rand",
# ]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.randn(n, k), torch.randn(k, m)
    loss_history = []
    for iteration in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        C, F = C - 2 * lr * E @ F.T, F - 2 * lr * C.T @ E
    return C, F, loss_history
