# /// mistake
# title = "A rank above the smaller side of A is cut down to it"
# hint = "How many columns does the docstring give U and V, whatever the shape of A?"
# fails = ["test_epochs_follow_the_rule"]
# ///

import torch

def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    rank = min(rank, *A.shape)  # no matrix has a larger rank
    U, V = (torch.rand(size, rank) for size in A.shape)
    for _ in range(num_epochs):
        for r, u in enumerate(U):
            for c, v in enumerate(V):
                e = A[r, c] - torch.dot(u, v)
                u += lr * e * v
                v += lr * e * u
    return U, V


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ torch.diag(S[:rank]) @ Vh[:rank]


def reconstruction_loss(A, R):
    flat = (A - R).flatten()
    return flat @ flat


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
