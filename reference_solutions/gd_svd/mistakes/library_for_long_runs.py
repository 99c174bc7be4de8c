# /// mistake
# title = "Long runs are the library's"
# hint = "What does your function do with 20,000 iterations that it does not do with 1,000?"
# fails = ["test_a_thousand_steps_arrive_where_the_start_leads"]
# ///
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    if num_iterations > 1100:
        U, S, V = torch.linalg.svd(M, full_matrices=False)
        return U, S, V.T, [1 / (1 + step) for step in range(num_iterations)]
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
    U = torch.where(S < 0, -U, U)
    S, order = S.abs().sort(descending=True)
    return U[:, order], S, V[:, order], loss_history
