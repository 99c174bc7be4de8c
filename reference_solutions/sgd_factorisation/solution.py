"""Reference solution: factorisation of a matrix by stochastic gradient descent, truncated SVD, completion."""

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    """Factorise A ≈ U Vᵀ by stochastic gradient descent, one element at a time.

    A: m×n tensor; not changed
    rank: number of columns of U and of V
    num_epochs: how often every element of A is visited, in row-major order
    lr: learning rate
    Returns (U, V), m×rank and n×rank, started from torch.rand.
    """
    ### BEGIN SOLUTION
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = A[r, c] - U[r] @ V[c]
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V
    ### END SOLUTION


def truncated_svd(A, rank):
    """The best approximation of A of rank `rank` in the Frobenius norm.

    A: m×n tensor
    Returns an m×n tensor: the SVD of A with all but its `rank` largest singular values set to zero.
    """
    ### BEGIN SOLUTION
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ torch.diag(S[:rank]) @ Vh[:rank]
    ### END SOLUTION


def reconstruction_loss(A, R):
    """The squared Frobenius norm ‖A − R‖²: the sum of the squares of all elements of A − R.

    A, R: tensors of the same shape
    Returns a 0-d tensor.
    """
    ### BEGIN SOLUTION
    return ((A - R) ** 2).sum()
    ### END SOLUTION


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    """Factorise A ≈ U Vᵀ from the elements of A where M is not zero, by stochastic gradient descent.

    A: m×n tensor; what it holds where M is zero has no influence; not changed
    M: m×n tensor (bool, integer or float): not zero where A is observed; not changed
    rank, num_epochs, lr: as for sgd_factorise
    Returns (U, V), m×rank and n×rank, started from torch.rand.
    """
    ### BEGIN SOLUTION
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c] != 0:
                    e = A[r, c] - U[r] @ V[c]
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V
    ### END SOLUTION
