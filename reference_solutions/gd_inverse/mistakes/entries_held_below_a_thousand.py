# /// mistake
# title = "Entries of X are held between -1000 and 1000"
# hint = "A step is the same however large X has become: what changes X beside it?"
# fails = ["test_each_step_is_that_of_the_rule"]
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
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
        X = X.clamp(-1000, 1000)
    return X, loss_history
