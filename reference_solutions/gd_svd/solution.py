"""Reference solution: the singular value decomposition by gradient descent."""

import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    """Find an SVD, M ≈ U diag(S) Vᵀ, by gradient descent with momentum.

    What is minimised over U, S and V is the fit plus a hundredth of the penalties for
    columns that are not orthonormal:
        mean((U diag(S) Vᵀ − M)²) + (mean((UᵀU − I)²) + mean((VᵀV − I)²)) / 100

    M: m×n float tensor with m ≥ n; not changed
    num_iterations: how many steps are taken, at least 1
    lr, momentum: as torch.optim.SGD understands them, the same in every step; every step
    changes U, S and V from the same point. So the first 3 steps of a run of 5 are
        those of a run of 3
    Other weights of the penalties, or another optimiser of torch.optim (one without
    momentum ignores `momentum`), are as good if they arrive at an SVD too. torch.manual_seed is
    the caller's: this function sets no seed.
    Returns (U, S, V, loss_history): U is m×n, S of length n, V n×n (V itself, not Vᵀ), all
    started from torch.rand (in any order) and moved by `num_iterations` steps. Their
    order and signs are settled after the last step: S is non-negative and descending, and
    the columns of U and V go with it, so that U diag(S) Vᵀ stays what it was (where an
    entry of S was negative, one of its two columns changes its sign). Nothing else is
    changed after the last step.
    loss_history is a list of `num_iterations` floats: the value of what is minimised (with
    your weights), before each step.
    """
    ### BEGIN SOLUTION
    m, n = M.shape
    U = torch.rand(m, n, requires_grad=True)
    S = torch.rand(n, requires_grad=True)
    V = torch.rand(n, n, requires_grad=True)
    identity = torch.eye(n)
    optimiser = torch.optim.SGD([U, S, V], lr=lr, momentum=momentum)
    loss_history = []
    for _ in range(num_iterations):
        fit = ((U * S @ V.T - M) ** 2).mean()
        penalty = ((U.T @ U - identity) ** 2).mean() + ((V.T @ V - identity) ** 2).mean()
        loss = fit + penalty / 100
        loss_history.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    U, S, V = U.detach(), S.detach(), V.detach()
    U = torch.where(S < 0, -U, U)
    S, order = S.abs().sort(descending=True)
    return U[:, order], S, V[:, order], loss_history
    ### END SOLUTION
