# /// mistake
# title = "Losses that are nearly zero are recorded as zero"
# hint = "Record the loss as it is: how small it has become is what one wants to see in the end."
# fails = ["test_steps_go_on_where_nothing_is_left_to_gain"]
# ///

import torch


def criterion(A, B):
    d = (A - B).reshape(-1)
    return torch.dot(d, d)

def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    left, right = torch.rand(D.shape[0], k), torch.rand(k, D.shape[1])
    history = []
    for step in range(num_iterations):
        E = left @ right - D
        loss = E.square().sum().item()
        history.append(loss if loss > 2e-4 else 0.0)
        left, right = left - 2 * lr * (E @ right.T), right - 2 * lr * (left.T @ E)
    return left, right, history
