# /// mistake
# title = "The start is drawn from a normal distribution instead of torch.rand"
# hint = "Can an entry of your start be negative? Can one of torch.rand?"
# fails = ["test_descent_starts_from_random_numbers", "test_start_is_torch_rand"]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = (0.1 * torch.randn(n, k)).requires_grad_()
    F = (0.1 * torch.randn(k, m)).requires_grad_()
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
