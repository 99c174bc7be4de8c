# /// mistake
# title = "C and F are cut from the same random numbers"
# hint = "Print C and F for lr=1e-30. Are the numbers in F new ones?"
# fails = ["test_descent_starts_from_random_numbers", "test_start_is_torch_rand"]
# ///
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    numbers = torch.rand(max(n, m) * k)
    C = numbers[: n * k].reshape(n, k).clone().requires_grad_()
    F = numbers[: k * m].reshape(k, m).clone().requires_grad_()
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
