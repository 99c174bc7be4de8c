# /// mistake
# title = "The list of losses lives outside the function and grows with every call"
# hint = "Call your function twice. How long is loss_history then, and whose losses does it begin with?"
# fails = ["test_loss_history_holds_the_loss_before_each_step"]
# ///
import torch

loss_history = []


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    identity = torch.eye(n)
    X = torch.rand(n, n, requires_grad=True)
    velocity = torch.zeros(n, n)
    for _ in range(num_iterations):
        loss = ((X @ M - identity) ** 2).mean()
        loss_history.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, X)
        with torch.no_grad():
            velocity = momentum * velocity + gradient
            X -= lr * velocity
    return X.detach(), loss_history
