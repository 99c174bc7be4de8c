# /// mistake
# title = "A penalty on the size of U, S and V is part of the loss"
# hint = "Which terms does the task name? Where would a descent on yours end for M = 0?"
# fails = [
#     "test_the_product_rebuilds_a_small_matrix",
#     "test_the_columns_of_both_become_orthonormal",
#     "test_steps_straighten_the_columns_where_the_fit_is_perfect",
#     "test_loss_history_is_the_loss_of_what_is_returned",
#     "test_finds_the_singular_values",
#     "test_a_thousand_steps_arrive_where_the_start_leads",
# ]
# ///
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    U = torch.rand(m, n, requires_grad=True)
    S = torch.rand(n, requires_grad=True)
    V = torch.rand(n, n, requires_grad=True)
    identity = torch.eye(n)
    optimiser = torch.optim.SGD([U, S, V], lr=lr, momentum=momentum)
    loss_history = []
    for _ in range(num_iterations):
        fit = ((U * S @ V.T - M) ** 2).mean()
        penalty = ((U.T @ U - identity) ** 2).mean() + ((V.T @ V - identity) ** 2).mean()
        loss = fit + penalty / 100 + 0.1 * ((U**2).mean() + (S**2).mean() + (V**2).mean())
        loss_history.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    U, S, V = U.detach(), S.detach(), V.detach()
    U = torch.where(S < 0, -U, U)
    S, order = S.abs().sort(descending=True)
    return U[:, order], S, V[:, order], loss_history
