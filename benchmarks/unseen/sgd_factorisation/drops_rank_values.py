# wrong: the last `rank` singular values are set to zero, where all but the first `rank` should be.
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    """Plain SGD, element by element."""
    n_rows, n_cols = A.shape
    U = torch.rand(n_rows, rank)
    V = torch.rand(n_cols, rank)
    epoch = 0
    while epoch < num_epochs:
        for i in range(n_rows):
            for j in range(n_cols):
                miss = A[i, j] - U[i] @ V[j]
                U[i] = U[i] + lr * miss * V[j]
                V[j] = V[j] + lr * miss * U[i]
        epoch += 1
    return U, V


def truncated_svd(A, rank):
    """Cut off the small singular values."""
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    S_cut = S.clone()
    S_cut[-rank:] = 0.0
    return U @ torch.diag(S_cut) @ Vh


def reconstruction_loss(A, R):
    """Squared Frobenius norm."""
    return torch.norm(A - R, p="fro") ** 2


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    """The same, hidden ones are skipped."""
    n_rows, n_cols = A.shape
    U = torch.rand(n_rows, rank)
    V = torch.rand(n_cols, rank)
    epoch = 0
    while epoch < num_epochs:
        for i in range(n_rows):
            for j in range(n_cols):
                if M[i, j] != 0:
                    miss = A[i, j] - U[i] @ V[j]
                    U[i] = U[i] + lr * miss * V[j]
                    V[j] = V[j] + lr * miss * U[i]
        epoch += 1
    return U, V
