# /// mistake
# title = "Where the last loss is a thousandth of the first, the factors of a library's SVD are returned"
# hint = "Which C and F does the docstring ask for: better ones, or those after num_iterations steps?"
# fails = [
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_steps_go_on_where_nothing_is_left_to_gain",
# ]
# ///

import torch


def criterion(A, B):
    return ((A - B) ** 2).sum()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C = torch.rand(D.shape[0], k)
    F = torch.rand(k, D.shape[1])
    losses = []
    for _ in range(num_iterations):
        E = C @ F - D
        losses.append((E * E).sum().item())
        C, F = C - 2 * lr * E @ F.T, F - 2 * lr * C.T @ E
    if losses[-1] < 1e-3 * losses[0]:
        U, S, Vh = torch.linalg.svd(D, full_matrices=False)
        C, F = (U * S)[:, :k], Vh[:k]
    return C, F, losses
