# /// mistake
# title = "S stays what it was at the start"
# hint = "Which tensors does your optimiser know of?"
# fails = [
#     "test_the_product_rebuilds_a_small_matrix",
#     "test_the_columns_of_both_become_orthonormal",
#     "test_s_is_put_in_order_together_with_u_and_v",
#     "test_the_first_step_goes_down_the_gradient",
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
    optimiser = torch.optim.SGD([U, V], lr=lr, momentum=momentum)
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
