# wrong: the loop over the epochs is the innermost one, so each element is trained num_epochs times before the next has its turn.
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m = A.size(0)
    n = A.size(1)
    U = torch.rand((m, rank))
    V = torch.rand((n, rank))
    # visit every element num_epochs times
    for r in range(m):
        for c in range(n):
            for epoch in range(num_epochs):
                e = A[r][c] - torch.dot(U[r], V[c])
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A)
    U_k = U[:, :rank]
    S_k = torch.diag(S[:rank])
    V_k = Vh[:rank, :]
    return torch.matmul(torch.matmul(U_k, S_k), V_k)


def reconstruction_loss(A, R):
    loss = torch.tensor(0.0)
    for r in range(A.size(0)):
        for c in range(A.size(1)):
            loss = loss + (A[r][c] - R[r][c]) ** 2
    return loss


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m = A.size(0)
    n = A.size(1)
    U = torch.rand((m, rank))
    V = torch.rand((n, rank))
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r][c] != 0:
                    e = A[r][c] - torch.dot(U[r], V[c])
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
