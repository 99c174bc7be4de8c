# /// mistake
# title = "The loss is recorded after the step"
# hint = "What is the loss of the start? Is it on your list?"
# fails = [
#     "test_loss_history_holds_the_loss_before_each_step",
#     "test_the_first_loss_is_that_of_the_start",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError("M is not square")
    X = torch.rand(n, n, requires_grad=True)
    velocity = torch.zeros(n, n)
    loss_history = []
    for _ in range(num_iterations):
        loss = ((X @ M - torch.eye(n)) ** 2).mean()
        (gradient,) = torch.autograd.grad(loss, X)
        with torch.no_grad():
            velocity = momentum * velocity + gradient
            X -= lr * velocity
            loss_history.append(((X @ M - torch.eye(n)) ** 2).mean().item())
    return X.detach(), loss_history
