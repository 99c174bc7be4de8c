# /// mistake
# title = "A longer call goes on from the factors of an earlier one of the same sizes"
# hint = "Your function is called twice in one session: what of the first call is still there in the second one?"
# fails = ["test_the_default_number_of_steps_follows_the_rule"]
# ///
import torch

LEARNED = {}


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    if num_iterations > 20:
        C, F = LEARNED.get((n, m, k), (C, F))
    loss_history = []
    for _ in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        C, F = C - lr * 2 * E @ F.T, F - lr * 2 * C.T @ E
    LEARNED[n, m, k] = C, F
    return C, F, loss_history
