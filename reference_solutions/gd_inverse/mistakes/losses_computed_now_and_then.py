# /// mistake
# title = "The loss is computed now and then, and repeated in between"
# hint = "Is the loss that you append the one of the X that this iteration starts from, in a long run, too?"
# fails = [
#     "test_loss_history_holds_the_loss_before_each_step",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    every = max(1, num_iterations // 100)
    for step in range(num_iterations):
        R = X @ M - torch.eye(n)
        if step % every == 0:
            loss = (R**2).mean().item()
        loss_history.append(loss)
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X, loss_history
