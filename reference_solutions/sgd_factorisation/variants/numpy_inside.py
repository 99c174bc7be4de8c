"""Only the start is torch's: the loops, the SVD and the norm are numpy's."""

import numpy as np
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    return sgd_factorise_masked(A, np.ones(A.shape), rank, num_epochs, lr)


def truncated_svd(A, rank):
    U, S, Vh = np.linalg.svd(A.numpy(), full_matrices=False)
    return torch.from_numpy((U[:, :rank] * S[:rank]) @ Vh[:rank])


def reconstruction_loss(A, R):
    return torch.tensor(np.linalg.norm(A.numpy() - R.numpy()) ** 2)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    data, observed = A.numpy(), np.asarray(M) != 0
    m, n = data.shape
    U, V = torch.rand(m, rank).numpy(), torch.rand(n, rank).numpy()
    for _ in range(num_epochs):
        for r, c in zip(*np.where(observed)):
            e = data[r, c] - np.dot(U[r], V[c])
            U[r] += lr * e * V[c]
            V[c] += lr * e * U[r]
    return torch.from_numpy(U), torch.from_numpy(V)
