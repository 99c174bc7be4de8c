# wrong: V = X.grad makes no copy, so zeroing the gradient empties the velocity and later backwards write into it.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("M must be square")
    n = M.shape[0]
    X = torch.rand(n, n, requires_grad=True)
    V = None
    loss_history = []
    for _ in range(num_iterations):
        loss = ((X @ M - torch.eye(n)) ** 2).mean()
        loss_history.append(loss.item())
        loss.backward()
        with torch.no_grad():
            if V is None:
                V = X.grad  # momentum * 0 + G
            else:
                V.mul_(momentum).add_(X.grad)
            X -= lr * V
            X.grad.zero_()
    return X.detach(), loss_history
