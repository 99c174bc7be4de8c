# /// mistake
# title = "A longer call goes on from the X of an earlier one of the same size"
# hint = "Your function is called twice in one session: what of the first call is still there in the second one?"
# fails = ["test_each_step_is_that_of_the_rule"]
# ///
import torch

LEARNED = {}


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError(f"M must be square, and has shape {tuple(M.shape)}")
    X, velocity, loss_history = torch.rand(n, n), torch.zeros(n, n), []
    if num_iterations > 20:
        X = LEARNED.get(n, X)
    for _ in range(num_iterations):
        R = X @ M - torch.eye(n)
        loss_history.append((R**2).mean().item())
        velocity = momentum * velocity + 2 / n**2 * R @ M.T
        X = X - lr * velocity
    LEARNED[n] = X
    return X, loss_history
