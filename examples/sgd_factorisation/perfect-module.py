"""Matrix factorisation, handed in as a plain module: one step function for both rules, in float64."""

import torch


def step(U, V, r, c, target, lr):
    error = float(target) - float(U[r] @ V[c])
    U[r] += lr * error * V[c]
    V[c] += lr * error * U[r]


def train(entries, A, rank, num_epochs, lr):
    U = torch.rand(A.shape[0], rank).double()
    V = torch.rand(A.shape[1], rank).double()
    for _ in range(num_epochs):
        for r, c in entries:
            step(U, V, r, c, A[r, c], lr)
    return U, V


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    everything = [(r, c) for r in range(A.shape[0]) for c in range(A.shape[1])]
    return train(everything, A, rank, num_epochs, lr)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    observed = [(r, c) for r, c in torch.nonzero(M).tolist()]
    return train(observed, A, rank, num_epochs, lr)


def truncated_svd(A, rank):
    U, S, V = torch.svd(A)
    return U[:, :rank] * S[:rank] @ V[:, :rank].t()


def reconstruction_loss(A, R):
    return torch.nn.functional.mse_loss(R, A, reduction="sum")


A = torch.tensor([[0.3374, 0.6005, 0.1735], [3.3359, 0.0492, 1.8374], [2.9407, 0.5301, 2.2620]])
U, V = sgd_factorise(A, 2, num_epochs=200)
print("loss after 200 epochs:", reconstruction_loss(A, U.float() @ V.float().T).item())
