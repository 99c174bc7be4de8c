# /// mistake
# title = "The factors of one call are where the next one begins"
# hint = "Call your function twice after the same seed. Should the results be the same?"
# fails = [
#     "test_epochs_follow_the_rule",
#     "test_many_epochs_are_as_many_passes",
# ]
# ///

import torch

kept = {}


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    key = (*A.shape, rank)
    if key not in kept:
        kept[key] = torch.rand(A.shape[0], rank), torch.rand(A.shape[1], rank)
    U, V = kept[key]
    for _ in range(num_epochs):
        for r in range(A.shape[0]):
            for c in range(A.shape[1]):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    S = torch.where(torch.arange(len(S)) < rank, S, 0.0)
    return (U * S) @ Vh


def reconstruction_loss(A, R):
    return torch.nn.functional.mse_loss(R, A, reduction="sum")


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
