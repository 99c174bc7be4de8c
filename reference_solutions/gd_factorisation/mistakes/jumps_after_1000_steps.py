# /// mistake
# title = "After 1000 real steps the factors are those of a library"
# hint = "Which numbers may a step use: C, F and D, or also the factors that are being looked for?"
# fails = ["test_many_small_steps_follow_the_rule", "test_the_default_number_of_steps_follows_the_rule"]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    loss_history = []
    for iteration in range(num_iterations):
        E = C @ F - D
        loss_history.append((E**2).sum().item())
        C, F = C - 2 * lr * E @ F.T, F - 2 * lr * C.T @ E
    if num_iterations > 1000:
        U, S, Vh = torch.linalg.svd(D, full_matrices=False)
        r = min(k, len(S))
        C, F = torch.zeros(n, k), torch.zeros(k, m)
        C[:, :r], F[:r] = U[:, :r] * S[:r], Vh[:r]
    return C, F, loss_history
