# /// mistake
# title = "S is returned in the order in which the columns happened to end"
# hint = "Is S[0] the largest for every start?"
# fails = [
#     "test_s_is_put_in_order_together_with_u_and_v",
#     "test_singular_values_are_returned_in_order_and_not_negative",
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
        loss = fit + penalty / 100
        loss_history.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    U, S, V = U.detach(), S.detach(), V.detach()
    U, S = torch.where(S < 0, -U, U), S.abs()
    return U, S, V, loss_history
