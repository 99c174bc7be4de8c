"""Momentum written out under no_grad, V before U, diag() and flips with sign()."""

import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    n = M.shape[1]
    V = torch.rand(n, n)
    U = torch.rand_like(M)
    S = torch.rand(n)
    parameters = [V, U, S]
    velocities = [torch.zeros_like(p) for p in parameters]
    history = []
    for _ in range(num_iterations):
        for p in parameters:
            p.requires_grad_(True)
        loss = torch.mean((U.mm(torch.diag(S)).mm(V.t()) - M) ** 2)
        loss = loss + 0.01 * torch.mean((U.t().mm(U) - torch.eye(n)) ** 2) + 0.01 * torch.mean((V.t().mm(V) - torch.eye(n)) ** 2)
        gradients = torch.autograd.grad(loss, parameters)
        history.append(float(loss.detach()))
        with torch.no_grad():
            for p, v, g in zip(parameters, velocities, gradients, strict=True):
                v.mul_(momentum).add_(g)
                p.sub_(v, alpha=lr)
    with torch.no_grad():
        sign = torch.sign(S)
        sign[sign == 0] = 1
        U, S = U * sign, S * sign
        order = torch.argsort(S, descending=True)
        return U[:, order], S[order], V[:, order], history
