# wrong: the observed places are a generator made before the loop, which is used up after the first epoch, so the others do nothing.
import torch


def train(A, U, V, places, lr):
    for r, c in places:
        e = A[r, c] - U[r] @ V[c]
        U[r] += lr * e * V[c]
        V[c] += lr * e * U[r]


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    everything = [(r, c) for r in range(m) for c in range(n)]
    for _ in range(num_epochs):
        train(A, U, V, everything, lr)
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return (U[:, :rank] * S[None, :rank]) @ Vh[:rank, :]


def reconstruction_loss(A, R):
    return (A - R).flatten().dot((A - R).flatten())


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    observed = ((r, c) for r in range(m) for c in range(n) if M[r, c] != 0)
    for _ in range(num_epochs):
        train(A, U, V, observed, lr)
    return U, V
