"""torch.func.vjp on a tuple of tensors, draws by rand_like in the order V, S, U, a generator of steps; fit as a mean, penalties as sums with weight 1/20."""
import torch
from torch.func import vjp


def start(M):
    n = M.shape[1]
    V = torch.rand_like(M[:n])
    S = torch.rand_like(M[0])
    U = torch.rand_like(M)
    return U, S, V


def descent(f, x, lr, momentum):
    """Yields (loss before the step, point after the step), without an end."""
    v = tuple(torch.zeros_like(t) for t in x)
    while True:
        value, pull = vjp(f, *x)
        v = tuple(momentum * a + g for a, g in zip(v, pull(torch.ones_like(value))))
        x = tuple(t - lr * a for t, a in zip(x, v))
        yield value.item(), x


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    def f(U, S, V):
        product = torch.linalg.multi_dot([U, torch.diag(S), V.T])
        eye = torch.eye(len(S))
        return (product - M).square().mean() + (torch.dist(U.T @ U, eye) ** 2 + torch.dist(V.T @ V, eye) ** 2) / 20

    losses, steps = [], descent(f, start(M), lr, momentum)
    for _ in range(num_iterations):
        loss, (U, S, V) = next(steps)
        losses.append(loss)
    sigma, order = S.abs().sort(descending=True)
    return (U * torch.where(S < 0, -1.0, 1.0))[:, order], sigma, V[:, order], losses
