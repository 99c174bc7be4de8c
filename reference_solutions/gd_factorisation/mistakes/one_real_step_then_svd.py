# /// mistake
# title = "After one real step the factors are those of a library"
# hint = "Which numbers may a step use: C, F and D, or also the factors that are being looked for?"
# fails = [
#     "test_each_step_goes_down_the_slope",
#     "test_steps_follow_the_rule_where_the_loss_rises",
#     "test_many_small_steps_follow_the_rule",
#     "test_the_default_number_of_steps_follows_the_rule",
#     "test_steps_go_on_where_nothing_is_left_to_gain",
#     "test_loss_is_recorded_before_each_step",
# ]
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
        if lr > 1e-20 and iteration > 0:
            U, S, Vh = torch.linalg.svd(D, full_matrices=False)
            r = min(k, len(S))
            C, F = torch.zeros(n, k), torch.zeros(k, m)
            C[:, :r], F[:r] = U[:, :r] * S[:r], Vh[:r]
    return C, F, loss_history
