# /// mistake
# title = "Where the last loss is small, one step of Newton's iteration for the inverse is added"
# hint = "Which X does the docstring ask for: a better one, or that after num_iterations steps?"
# fails = ["test_each_step_is_that_of_the_rule"]
# ///

import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("M is not square")
    n = M.shape[0]
    X = torch.rand(n, n, requires_grad=True)
    sgd = torch.optim.SGD([X], lr=lr, momentum=momentum)
    history = []
    for _ in range(num_iterations):
        sgd.zero_grad()
        loss = (X @ M - torch.eye(n)).square().mean()
        loss.backward()
        history.append(loss.item())
        sgd.step()
    X = X.detach()
    if history[-1] < 1e-3:
        X = X @ (2 * torch.eye(n) - M @ X)
    return X, history
