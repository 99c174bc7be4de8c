# /// mistake
# title = "The start comes from numpy.random, which torch.manual_seed does not govern"
# hint = "Call your function twice, after torch.manual_seed(0) both times. Is the first loss the same?"
# fails = [
#     "test_the_start_is_random_and_the_seed_is_the_callers",
# ]
# ///
import numpy
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    U = torch.tensor(numpy.random.rand(m, n), dtype=torch.float32, requires_grad=True)
    S = torch.tensor(numpy.random.rand(n), dtype=torch.float32, requires_grad=True)
    V = torch.tensor(numpy.random.rand(n, n), dtype=torch.float32, requires_grad=True)
    identity = torch.eye(n)
    optimiser = torch.optim.SGD([U, S, V], lr=lr, momentum=momentum)
    loss_history = []
    for step in range(num_iterations):
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
