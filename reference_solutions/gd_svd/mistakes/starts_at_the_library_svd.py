# /// mistake
# title = "Descent starts at the library's decomposition"
# hint = "What should U, S and V know about M before the first step?"
# fails = [
#     "test_the_start_is_random_and_the_seed_is_the_callers",
#     "test_the_first_step_goes_down_the_gradient",
#     "test_the_next_steps_go_down_the_gradient_too",
#     "test_starts_from_random_numbers_whatever_the_matrix",
#     "test_loss_history_holds_the_loss_before_each_step",
#     "test_loss_history_is_the_loss_of_what_is_returned",
#     "test_a_thousand_steps_arrive_where_the_start_leads",
# ]
# ///
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    U, S, Vh = torch.linalg.svd(M, full_matrices=False)
    U, S, V = U.requires_grad_(), S.requires_grad_(), Vh.T.contiguous().requires_grad_()
    identity = torch.eye(n)
    optimiser = torch.optim.SGD([U, S, V], lr=lr, momentum=momentum)
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
