# /// mistake
# title = "The gradient is multiplied by M where Mᵀ belongs"
# hint = "Write the derivative by one entry of X as a sum. Which index of M does it run over?"
# fails = [
#     "test_finds_the_inverse_of_a_small_matrix",
#     "test_each_step_is_that_of_the_rule",
#     "test_the_default_number_of_steps_follows_the_rule",
# ]
# ///
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    n = M.shape[0]
    if M.shape != (n, n):
        raise ValueError("M is not square")
    X = torch.rand(n, n)
    velocity = torch.zeros(n, n)
    loss_history = []
    for _ in range(num_iterations):
        loss = ((X @ M - torch.eye(n)) ** 2).mean()
        loss_history.append(loss.item())
        with torch.no_grad():
            gradient = 2 * (X @ M - torch.eye(n)) @ M / n**2
            velocity = momentum * velocity + gradient
            X -= lr * velocity
    return X.detach(), loss_history
