# /// mistake
# title = "The start is scaled down by the root of k"
# hint = "What is the largest number that your C can start with, for k = 4? And the largest of torch.rand?"
# fails = ["test_descent_starts_from_random_numbers", "test_start_is_torch_rand"]
# ///
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = (torch.rand(n, k) / k**0.5).requires_grad_()
    F = (torch.rand(k, m) / k**0.5).requires_grad_()
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
