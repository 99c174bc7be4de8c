# wrong: torch.optim.SGD on e squared without the one half doubles each step, and it moves V with the gradient at the old U.
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank, requires_grad=True)
    V = torch.rand(n, rank, requires_grad=True)
    optimizer = torch.optim.SGD([U, V], lr=lr)
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                optimizer.zero_grad()
                loss = (A[r, c] - torch.dot(U[r], V[c])) ** 2
                loss.backward()
                optimizer.step()
    return U.detach(), V.detach()


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ torch.diag(S[:rank]) @ Vh[:rank]


def reconstruction_loss(A, R):
    return torch.linalg.norm(A - R) ** 2


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    # no optimizer here, it would be too slow
    m, n = A.shape
    U = torch.rand(m, rank)
    V = torch.rand(n, rank)
    for epoch in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c]:
                    e = A[r, c] - torch.dot(U[r], V[c])
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
