# /// mistake
# title = "The learning rate is 0.3 whatever the caller asks for"
# hint = "Call your function with lr=1e-30. Should U move visibly?"
# fails = [
#     "test_the_start_is_random_and_the_seed_is_the_callers",
#     "test_s_is_put_in_order_together_with_u_and_v",
#     "test_the_first_step_goes_down_the_gradient",
#     "test_the_next_steps_go_down_the_gradient_too",
#     "test_steps_straighten_the_columns_where_the_fit_is_perfect",
#     "test_starts_from_random_numbers_whatever_the_matrix",
#     "test_loss_history_is_the_loss_of_what_is_returned",
# ]
# ///
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    U = torch.rand(m, n, requires_grad=True)
    S = torch.rand(n, requires_grad=True)
    V = torch.rand(n, n, requires_grad=True)
    identity = torch.eye(n)
    optimiser = torch.optim.SGD([U, S, V], lr=0.3, momentum=momentum)
    loss_history = []
    for _ in range(num_iterations):
        fit = ((U * S @ V.T - M) ** 2).mean()
        penalty = ((U.T @ U - identity) ** 2).mean() + ((V.T @ V - identity) ** 2).mean()
        loss = fit + penalty / 100
        loss_history.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    U, S, V = U.detach(), S.detach(), V.detach()
    U = torch.where(S < 0, -U, U)
    S, order = S.abs().sort(descending=True)
    return U[:, order], S, V[:, order], loss_history
