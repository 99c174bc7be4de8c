# /// mistake
# title = "The loop stops as soon as the loss is small"
# hint = "How long must loss_history be, whatever happens on the way?"
# fails = ["test_goes_on_where_the_loss_is_zero"]
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
        loss_history.append(loss.item())
        if loss.item() < 1e-8:
            break
        (gradient,) = torch.autograd.grad(loss, X)
        with torch.no_grad():
            velocity = momentum * velocity + gradient
            X -= lr * velocity
    return X.detach(), loss_history
