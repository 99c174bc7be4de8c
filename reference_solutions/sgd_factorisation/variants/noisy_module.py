"""A whole lab file: sets seed and default dtype at the top, experiments and plots below, and one cell that fails."""

import matplotlib.pyplot as plt
import numpy as np
import torch

torch.manual_seed(42)
np.random.seed(42)
torch.set_default_dtype(torch.float64)
torch.set_grad_enabled(False)

A = torch.tensor([[0.3374, 0.6005, 0.1735], [3.3359, 0.0492, 1.8374], [2.9407, 0.5301, 2.2620]])
M = torch.tensor([[1, 1, 1], [0, 1, 1], [1, 0, 1]])


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - U[r, :] @ V[c, :].T
                U[r, :] = U[r, :] + lr * e * V[c, :]
                V[c, :] = V[c, :] + lr * e * U[r, :]
    return U, V


U, V = sgd_factorise(A, 2, 10)
print("loss", reconstruction_loss(A, U @ V.T))  # not defined yet: fails


def truncated_svd(A, rank):
    U, S, V = torch.svd(A)
    S_r = torch.zeros((A.shape[1], A.shape[1]), dtype=A.dtype) if A.shape[0] >= A.shape[1] else torch.zeros_like(S.diag())
    for i in range(rank):
        S_r[i, i] = S[i]
    return U @ S_r @ V.T


def reconstruction_loss(A, R):
    return torch.dist(A, R) ** 2


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    losses = []
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - U[r, :] @ V[c, :].T
                    U[r, :] = U[r, :] + lr * e * V[c, :]
                    V[c, :] = V[c, :] + lr * e * U[r, :]
        losses.append(reconstruction_loss(A[M != 0], (U @ V.T)[M != 0]).item())
    return U, V


Uhat, Vhat = sgd_factorise_masked(A, M, 2, 10)
fig, ax = plt.subplots()
ax.imshow((Uhat @ Vhat.T).numpy())
plt.show()
