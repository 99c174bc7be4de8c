"""Reference solution: factorisation by stochastic gradient descent, truncated SVD, matrix completion."""

import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    """Factorise A ≈ U Vᵀ by stochastic gradient descent, one element of A at a time.

    The step for the element in row r and column c: first e = A[r, c] − U[r]·V[c], once;
    then add lr·e·V[c] to U[r]; then add lr·e·U[r] to V[c], with the U[r] that has just
    changed.

    A: m×n float tensor; leave it as it is
    rank: how many columns U and V have, at least 1; it may be larger than m or n
    num_epochs: how many passes to make over A, at least 1, all of them whatever becomes of
        the loss; every pass visits every element once, in row-major order (all of row 0
        from left to right, then all of row 1, ...). Many shuffle the elements; here
        nobody does, so that results can be compared
    lr: the learning rate, above 0; the same in every update, from the first to the last

    Returns (U, V): float tensors of shapes (m, rank) and (n, rank). Both start from
    torch.rand (uniform on [0, 1)) as it comes, so torch.manual_seed decides the result.
    The caller calls torch.manual_seed; this function sets no seed.
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
    """The best approximation of A by a matrix of rank at most `rank`, from A's SVD.

    A: m×n float tensor; leave it as it is
    rank: how many singular values to keep, the largest ones; 1 ≤ rank ≤ min(m, n)

    Returns one float tensor of shape (m, n): the approximation itself, not its factors.
    Use torch.linalg.svd.
    """
    ### BEGIN SOLUTION
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ torch.diag(S[:rank]) @ Vh[:rank]
    ### END SOLUTION


def reconstruction_loss(A, R):
    """‖A − R‖²_F, how far R is from A: the sum of the squares of all elements of A − R.

    A, R: float tensors of the same shape; leave them as they are

    Returns a 0-d float tensor (a tensor that holds one number).
    """
    ### BEGIN SOLUTION
    return ((A - R) ** 2).sum()
    ### END SOLUTION


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    """Factorise A ≈ U Vᵀ by stochastic gradient descent from its observed elements.

    A: m×n float tensor; leave it as it is. What it holds where M is zero has no
        influence on the result: it may be any number, NaN included
    M: m×n tensor, bool, integer or float; leave it as it is. Any value but zero marks
        an observed element of A
    rank, num_epochs, lr: as for sgd_factorise; a pass visits the observed elements in
        row-major order, with the same step and no other term

    Returns (U, V): float tensors of shapes (m, rank) and (n, rank), started from
    torch.rand as for sgd_factorise. A row that belongs to no observed element stays as
    it started.
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
