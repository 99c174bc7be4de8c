# /// mistake
# title = "The loop stops at a small loss and fills up the record"
# hint = "How many steps does your function take for num_iterations=1000? Does every number on the list belong to a step?"
# fails = ["test_goes_on_where_the_loss_is_zero"]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        if loss_history[-1] < 1e-6:
            break
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    return X, loss_history + [loss_history[-1]] * (num_iterations - len(loss_history))
