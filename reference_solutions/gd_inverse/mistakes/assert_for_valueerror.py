# /// mistake
# title = "A matrix that is not square fails an assertion"
# hint = "Which exception does `assert` raise, and which one is asked for?"
# fails = [
#     "test_refuses_a_matrix_that_is_not_square",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    assert M.shape == (n, n)
    X = torch.rand(n, n, requires_grad=True)
    velocity = torch.zeros(n, n)
    loss_history = []
    for _ in range(num_iterations):
        loss = ((X @ M - torch.eye(n)) ** 2).mean()
        loss_history.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, X)
        with torch.no_grad():
            velocity = momentum * velocity + gradient
            X -= lr * velocity
    return X.detach(), loss_history
