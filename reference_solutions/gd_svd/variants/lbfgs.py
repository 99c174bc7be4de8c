"""torch.optim.LBFGS with one inner step an iteration, the weights of the task; momentum is not used by it."""
import torch


def objective(U, S, V, M):
    identity = torch.eye(S.numel())
    misfit = U @ S.diag() @ V.mT - M
    crooked_u = U.mT @ U - identity
    crooked_v = V.mT @ V - identity
    return misfit.pow(2).mean() + 0.01 * (crooked_u.pow(2).mean() + crooked_v.pow(2).mean())


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    shapes = [tuple(M.shape), (M.shape[1],), (M.shape[1], M.shape[1])]
    params = [torch.rand(*shape, requires_grad=True) for shape in shapes]
    solver = torch.optim.LBFGS(params, lr=lr, max_iter=1)
    loss_history = []

    def evaluate():
        solver.zero_grad()
        value = objective(*params, M)
        value.backward()
        return value

    while len(loss_history) < num_iterations:
        loss_history.append(solver.step(evaluate).item())

    U, S, V = [p.detach() for p in params]
    U = U * (1.0 - 2.0 * (S < 0))
    S, idx = torch.sort(S.abs(), descending=True)
    return U.index_select(1, idx), S, V.index_select(1, idx), loss_history
