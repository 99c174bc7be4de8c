"""Reference solution: factorisation of a matrix by full-batch gradient descent with autograd."""

import torch


def criterion(A, B):
    """The sum of the squared differences of two matrices: how far A is from B.

    A, B: float tensors of the same shape; not changed
    Returns a 0-d tensor that autograd can differentiate with respect to A and to B.
    """
    ### BEGIN SOLUTION
    return ((A - B) ** 2).sum()
    ### END SOLUTION


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    """Factorise D ≈ C F by gradient descent on criterion(C F, D), all elements at once.

    D: n×m float tensor; not changed
    k: number of columns of C and of rows of F, at least 1; it may be larger than n or m
    num_iterations: number of gradient steps, at least 1; each one updates both C and F,
        with gradients taken at the same point
    lr: learning rate, above 0 and the same in every step
    Returns (C, F, loss_history): C is n×k and F is k×m, both started from torch.rand
    as it comes, neither scaled nor shifted; loss_history is a list of num_iterations
    floats, the loss before each step, also where it rises, or is inf or nan.
    """
    ### BEGIN SOLUTION
    n, m = D.shape
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    loss_history = []
    for _ in range(num_iterations):
        loss = criterion(C @ F, D)
        loss_history.append(loss.item())
        loss.backward()
        with torch.no_grad():
            C -= lr * C.grad
            F -= lr * F.grad
            C.grad.zero_()
            F.grad.zero_()
    return C.detach(), F.detach(), loss_history
    ### END SOLUTION
