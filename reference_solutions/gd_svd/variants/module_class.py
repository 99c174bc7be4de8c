"""An nn.Module that holds the factors, its forward pass the product; float64; a noisy module that prints its own example."""

import torch

torch.set_default_dtype(torch.float64)


class Decomposition(torch.nn.Module):
    def __init__(self, m, n):
        super().__init__()
        self.U = torch.nn.Parameter(torch.rand(m, n, dtype=torch.float64))
        self.V = torch.nn.Parameter(torch.rand(n, n, dtype=torch.float64))
        self.S = torch.nn.Parameter(torch.rand(n, dtype=torch.float64))

    def forward(self):
        return self.U @ torch.diag_embed(self.S) @ self.V.transpose(0, 1)

    def regulariser(self):
        return sum(torch.mean((Q.T @ Q - torch.eye(Q.shape[1], dtype=torch.float64)) ** 2) for Q in (self.U, self.V))

    @torch.no_grad()
    def settled(self):
        order = self.S.abs().argsort(descending=True)
        signs = torch.ones_like(self.S).copysign(self.S)
        return (self.U * signs)[:, order], (self.S * signs)[order], self.V[:, order]


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    model = Decomposition(*M.shape)
    target = M.to(torch.float64)
    optimiser = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    loss_history = []
    for _ in range(num_iterations):
        model.zero_grad()
        loss = torch.mean((model() - target) ** 2) + model.regulariser() / 100
        loss.backward()
        optimiser.step()
        loss_history.append(loss.item())
    return *model.settled(), loss_history


print([x.shape for x in gd_svd(torch.eye(3)[:, :2], 10, lr=0.1)[:3]])
