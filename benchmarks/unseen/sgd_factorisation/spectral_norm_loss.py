# wrong: torch.linalg.norm with ord=2 is the largest singular value, not the Frobenius norm.
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    places = [(r, c) for r in range(m) for c in range(n)]
    for _ in range(num_epochs):
        for r, c in places:
            e = float(A[r, c] - U[r] @ V[c])
            U[r].add_(V[c], alpha=lr * e)
            V[c].add_(U[r], alpha=lr * e)
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return (U[:, :rank] * S[:rank]) @ Vh[:rank]


def reconstruction_loss(A, R):
    # 2-norm, then squared to get rid of the root
    return torch.linalg.norm(A - R, ord=2) ** 2


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    places = [(r, c) for r in range(m) for c in range(n) if M[r, c] != 0]
    for _ in range(num_epochs):
        for r, c in places:
            e = float(A[r, c] - U[r] @ V[c])
            U[r].add_(V[c], alpha=lr * e)
            V[c].add_(U[r], alpha=lr * e)
    return U, V
