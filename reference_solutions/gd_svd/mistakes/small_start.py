# /// mistake
# title = "U, S and V start from a tenth of torch.rand"
# hint = "In which interval do the entries lie before the first step?"
# fails = [
#     "test_starts_from_random_numbers_whatever_the_matrix",
# ]
# ///
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    U = (torch.rand(m, n) / 10).requires_grad_()
    S = (torch.rand(n) / 10).requires_grad_()
    V = (torch.rand(n, n) / 10).requires_grad_()
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
