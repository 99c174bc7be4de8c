# /// mistake
# title = "The learning rate is halved every 50 epochs"
# hint = "Which learning rate does the docstring give to every update?"
# fails = ["test_many_epochs_are_as_many_passes"]
# ///
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for epoch in range(num_epochs):
        if epoch and epoch % 50 == 0:
            lr = lr / 2
        for r in range(m):
            for c in range(n):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V
