# /// mistake
# title = "Where the factors grow beyond all bounds, it starts again with a smaller learning rate"
# hint = "Which learning rate was asked for? What should the caller see where it is too large?"
# fails = ["test_epochs_follow_the_rule"]
# ///

import torch

def _one_run(A, rank, num_epochs, lr):
    U, V = torch.rand(A.shape[0], rank), torch.rand(A.shape[1], rank)
    for _ in range(num_epochs):
        for r in range(A.shape[0]):
            for c in range(A.shape[1]):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    U, V = _one_run(A, rank, num_epochs, lr)
    for _ in range(4):
        if torch.isfinite(U).all() and torch.isfinite(V).all():
            break
        lr = lr / 10
        U, V = _one_run(A, rank, num_epochs, lr)
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ torch.diag(S[:rank]) @ Vh[:rank]


def reconstruction_loss(A, R):
    difference = A - R
    return torch.sum(difference * difference)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    with torch.no_grad():
        people, films = torch.rand(A.size(0), rank), torch.rand(A.size(1), rank)
        seen = (M != 0).nonzero().tolist()
        for epoch in range(num_epochs):
            for i, j in seen:
                person, film = people[i], films[j]
                step = lr * (A[i, j] - person @ film)
                person += step * film
                film += step * person
    return people, films
