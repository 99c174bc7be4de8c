# /// mistake
# title = "Where D has many columns, a step sees half of them"
# hint = "Each step uses every element of D. Do yours, also where D is wide?"
# fails = ["test_the_default_number_of_steps_follows_the_rule"]
# ///
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    loss_history = []
    for _ in range(num_iterations):
        E = C @ F - D
        if m > 8:
            E[:, torch.randperm(m)[: m // 2]] = 0
        loss_history.append((E**2).sum().item())
        C, F = C - lr * 2 * E @ F.T, F - lr * 2 * C.T @ E
    return C, F, loss_history
