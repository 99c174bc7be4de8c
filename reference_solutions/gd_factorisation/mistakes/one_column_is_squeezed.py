# /// mistake
# title = "A D of one column loses a dimension, and is subtracted from every column of a square"
# hint = "What is the shape of your difference where D has one column?"
# fails = ["test_steps_follow_the_rule_where_the_loss_rises"]
# ///
import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C, F = torch.rand(n, k), torch.rand(k, m)
    loss_history = []
    for _ in range(num_iterations):
        E = C @ F - D.squeeze()
        E = E if E.shape == D.shape else E.mean(1, keepdim=True)
        loss_history.append((E**2).sum().item())
        C, F = C - lr * 2 * E @ F.T, F - lr * 2 * C.T @ E
    return C, F, loss_history
