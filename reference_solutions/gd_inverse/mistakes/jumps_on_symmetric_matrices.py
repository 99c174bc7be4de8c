# /// mistake
# title = "A symmetric matrix gets the inverse of a library, after some steps"
# hint = "Is there any kind of M for which X does not come from the steps?"
# fails = ["test_the_default_number_of_steps_follows_the_rule"]
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
    if n > 1 and num_iterations >= 50 and torch.equal(M, M.T):
        X = torch.linalg.pinv(M)
    return X, loss_history
