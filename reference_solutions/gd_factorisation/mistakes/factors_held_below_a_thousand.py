# /// mistake
# title = "Entries of the factors are held between -1000 and 1000"
# hint = "A step is the same however large the factors have become: what changes C and F beside it?"
# fails = ["test_steps_follow_the_rule_where_the_loss_rises"]
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
        C, F = C.clamp(-1000, 1000), F.clamp(-1000, 1000)
    return C, F, loss_history
