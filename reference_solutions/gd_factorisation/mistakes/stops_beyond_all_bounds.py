# /// mistake
# title = "It stops where the loss is no longer finite, and the history is too short"
# hint = "One value for every iteration, whatever becomes of the loss: also where it is inf or nan."
# fails = ["test_loss_is_recorded_before_each_step"]
# ///

import torch


def criterion(A, B):
    return torch.nn.functional.mse_loss(A, B, reduction="sum")

def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    history = []
    for _ in range(num_iterations):
        error = C @ F - D
        loss = (error**2).sum().item()
        if loss != loss or loss == float("inf"):
            print("diverged, take a smaller lr")
            break
        history.append(loss)
        grad_C = 2 * error @ F.T
        grad_F = 2 * C.T @ error
        C = C - lr * grad_C
        F = F - lr * grad_F
    return C, F, history
