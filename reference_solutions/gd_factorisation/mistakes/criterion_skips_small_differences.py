# /// mistake
# title = "Differences below a thousandth are left out of the criterion"
# hint = "How small may a difference be and still count?"
# fails = ["test_criterion_on_matrices_of_any_shape"]
# ///
import torch


def criterion(A, B):
    difference = A - B
    return (torch.where(difference.abs() < 1e-3, 0.0, difference) ** 2).sum()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C, F = torch.rand(D.shape[0], k), torch.rand(k, D.shape[1])
    loss_history = []
    for _ in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        C, F = C - lr * 2 * E @ F.T, F - lr * 2 * C.T @ E
    return C, F, loss_history
