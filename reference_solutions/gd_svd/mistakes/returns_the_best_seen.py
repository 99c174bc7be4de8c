# /// mistake
# title = "The factors with the smallest loss so far are returned, not the last ones"
# hint = "Which U, S and V does the task ask for: those with the smallest loss, or those after num_iterations steps?"
# fails = [
#     "test_s_is_put_in_order_together_with_u_and_v",
#     "test_the_first_step_goes_down_the_gradient",
#     "test_steps_straighten_the_columns_where_the_fit_is_perfect",
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
    optimiser = torch.optim.SGD([U, S, V], lr=lr, momentum=momentum)
    loss_history, best = [], (float("inf"), U, S, V)
    for _ in range(num_iterations):
        fit = ((U * S @ V.T - M) ** 2).mean()
        penalty = ((U.T @ U - identity) ** 2).mean() + ((V.T @ V - identity) ** 2).mean()
        loss = fit + penalty / 100
        loss_history.append(loss.item())
        if loss.item() < best[0]:
            best = loss.item(), U.detach().clone(), S.detach().clone(), V.detach().clone()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    U, S, V = (tensor.detach() for tensor in best[1:])
    U = torch.where(S < 0, -U, U)
    S, order = S.abs().sort(descending=True)
    return U[:, order], S, V[:, order], loss_history
