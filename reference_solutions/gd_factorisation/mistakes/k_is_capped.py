# /// mistake
# title = "k is lowered to the smaller side of D"
# hint = "Which shape has your C for a 3×3 matrix and k = 5?"
# fails = ["test_factors_have_the_right_shapes", "test_descent_starts_from_random_numbers", "test_start_is_torch_rand"]
# ///
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    k = min(k, n, m)
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
