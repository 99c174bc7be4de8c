# wrong: X.grad is multiplied by the momentum between backward and the update, so the new gradient is weakened as well.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n, m = M.shape
    if n != m:
        raise ValueError("only square matrices have an inverse")
    X = torch.rand(n, n, requires_grad=True)
    eye = torch.eye(n)
    loss_history = []
    for _ in range(num_iterations):
        loss = ((X @ M - eye) ** 2).mean()
        loss_history.append(loss.item())
        loss.backward()
        with torch.no_grad():
            # the trick of the blog posts: X.grad is the velocity, never zeroed
            X.grad *= momentum
            X -= lr * X.grad
    return X.detach(), loss_history
