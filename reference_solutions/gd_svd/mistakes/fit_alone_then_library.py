# /// mistake
# title = "Descent on the fit alone, then the decomposition of a library, with losses made up to match"
# hint = "Which terms of your loss have a gradient? Print U.T @ U every hundred steps."
# fails = [
#     "test_steps_straighten_the_columns_where_the_fit_is_perfect",
#     "test_loss_history_is_the_loss_of_what_is_returned",
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
    for step in range(num_iterations):
        fit = ((U * S @ V.T - M) ** 2).mean()
        penalty = ((U.T @ U - identity) ** 2).mean() + ((V.T @ V - identity) ** 2).mean()
        loss = fit
        loss_history.append((fit + 0.97**step * penalty / 100).item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    if num_iterations > 10:
        X, Y, Z = torch.linalg.svd(M, full_matrices=False)
        return X, Y, Z.T, loss_history
    U, S, V = U.detach(), S.detach(), V.detach()
    U = torch.where(S < 0, -U, U)
    S, order = S.abs().sort(descending=True)
    return U[:, order], S, V[:, order], loss_history
