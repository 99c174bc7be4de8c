"""Reference solution: the inverse of a matrix by gradient descent with momentum."""

import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    """Find the inverse of M by gradient descent with momentum.

    The loss of a matrix X is the mean, over all n² entries, of the squared difference
    between X M and the identity. (M X in place of X M is just as good; use the same one
    for the steps and for the losses.)

    M: n×n float32 tensor; not changed
    num_iterations: how many steps are taken, at least 1; all of them, whatever becomes of
        the loss
    lr (above 0), momentum (from 0 to below 1): the velocity V starts at zero; each step
        takes the gradient G at the present X and does V ← momentum·V + G, then
        X ← X − lr·V

    Returns (X, loss_history): X is an n×n tensor, started from torch.rand, after the last
    of `num_iterations` steps; loss_history is a list of `num_iterations` floats, the loss
    before each step.
    Raises ValueError where M is not square. A square M without an inverse is no error:
    its loss goes down as well, only not to zero.
    """
    ### BEGIN SOLUTION
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    identity = torch.eye(n)
    X = torch.rand(n, n, requires_grad=True)
    velocity = torch.zeros(n, n)
    loss_history = []
    for _ in range(num_iterations):
        loss = ((X @ M - identity) ** 2).mean()
        loss_history.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, X)
        with torch.no_grad():
            velocity = momentum * velocity + gradient
            X -= lr * velocity
    return X.detach(), loss_history
    ### END SOLUTION
