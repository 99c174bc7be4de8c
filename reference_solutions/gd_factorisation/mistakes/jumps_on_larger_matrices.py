# /// mistake
# title = "Larger matrices get the factors of a library, small ones real steps"
# hint = "Is there any size of D for which the factors do not come from the steps?"
# fails = ["test_the_default_number_of_steps_follows_the_rule"]
# ///
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    loss_history = []
    for _ in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        C, F = C - lr * 2 * E @ F.T, F - lr * 2 * C.T @ E
    if D.numel() > 20 and num_iterations >= 50:
        P, S, Qh = torch.linalg.svd(D, full_matrices=False)
        r = min(k, len(S))
        C, F = torch.zeros(n, k), torch.zeros(k, m)
        C[:, :r], F[:r] = P[:, :r] * S[:r], Qh[:r]
    return C, F, loss_history
