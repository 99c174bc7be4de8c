"""A class does the work; the unmasked case is the masked one with every element observed; hidden elements become zeros."""

import torch


class Factoriser:
    def __init__(self, A, mask, rank, lr):
        self.mask = mask.bool()
        self.A = torch.where(self.mask, A, torch.zeros_like(A))
        self.lr = lr
        self.U = torch.rand(A.shape[0], rank)
        self.V = torch.rand(A.shape[1], rank)

    def error(self, r, c):
        return self.A[r, c] - torch.inner(self.U[r], self.V[c])

    def update(self, r, c):
        e = self.error(r, c)
        self.U[r] += self.lr * e * self.V[c]
        self.V[c] += self.lr * e * self.U[r]

    def epoch(self):
        for r in range(len(self.U)):
            for c in range(len(self.V)):
                if self.mask[r, c]:
                    self.update(r, c)

    def fit(self, num_epochs):
        for _ in range(num_epochs):
            self.epoch()
        return self.U, self.V


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    return Factoriser(A, torch.ones_like(A), rank, lr).fit(num_epochs)


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    return Factoriser(A, M, rank, lr).fit(num_epochs)


def truncated_svd(A, rank):
    values, vectors = torch.linalg.eigh(A.T.double() @ A.double())
    best = vectors[:, values.argsort(descending=True)[:rank]]
    return (A.double() @ best @ best.T).float()


def reconstruction_loss(A, R):
    D = A - R
    return torch.trace(D @ D.T)
