# /// mistake
# title = "The defaults are not those of the stub"
# hint = "Compare your `def` line with the one that you were given."
# fails = [
#     "test_defaults_are_those_of_the_stub",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=1000, lr=0.1, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError("M is not square")
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
