"""Lists of Python floats and three loops for a product."""

import torch


def product(A, B):
    return [[sum(a * b for a, b in zip(row, column)) for column in zip(*B)] for row in A]


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    A = M.tolist()
    n = len(A)
    if any(len(row) != n for row in A):
        raise ValueError("not square")
    At = [list(column) for column in zip(*A)]
    X = torch.rand(n, n).tolist()
    V = [[0.0] * n for _ in range(n)]
    history = []
    for _ in range(num_iterations):
        E = product(X, A)
        for i in range(n):
            E[i][i] -= 1.0
        history.append(sum(e * e for row in E for e in row) / (n * n))
        G = product(E, At)
        for i in range(n):
            for j in range(n):
                V[i][j] = momentum * V[i][j] + 2 * G[i][j] / (n * n)
                X[i][j] -= lr * V[i][j]
    return torch.tensor(X), history
