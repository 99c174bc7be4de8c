"""Sums of squares in place of means, with weights to match and the learning rate divided by the number of entries."""

import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    factors = [torch.rand(m, n), torch.rand(n), torch.rand(n, n)]
    for factor in factors:
        factor.requires_grad = True
    U, S, V = factors
    optimiser = torch.optim.SGD(factors, lr=lr / (m * n), momentum=momentum)

    def objective():
        fit = torch.linalg.matrix_norm(U @ torch.diag(S) @ V.T - M) ** 2
        return fit + 0.1 * (torch.sum((U.T @ U - torch.eye(n)) ** 2) + torch.sum((V.T @ V - torch.eye(n)) ** 2))

    loss_history = []
    for _ in range(num_iterations):
        optimiser.zero_grad(set_to_none=False)
        loss = objective()
        loss.backward()
        optimiser.step()
        loss_history += [loss.item()]

    with torch.no_grad():
        triples = [(abs(s.item()), u if s >= 0 else -u, v) for s, u, v in zip(S, U.T, V.T, strict=True)]
        triples.sort(key=lambda triple: triple[0], reverse=True)
        return (
            torch.stack([u for _, u, _ in triples], dim=1),
            torch.tensor([s for s, _, _ in triples]),
            torch.stack([v for _, _, v in triples], dim=1),
            loss_history,
        )
