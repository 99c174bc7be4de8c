# /// mistake
# title = "It stops where a step changes the loss by less than a millionth of itself, and fills the history up"
# hint = "How many steps does num_iterations promise, however little one of them gains?"
# fails = ["test_steps_go_on_where_nothing_is_left_to_gain"]
# ///

import torch


def criterion(A, B):
    return ((A - B) ** 2).sum()

def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    C = torch.rand(D.shape[0], k).requires_grad_()
    F = torch.rand(k, D.shape[1]).requires_grad_()
    optimiser = torch.optim.SGD([C, F], lr=lr)
    losses = []
    for _ in range(num_iterations):
        optimiser.zero_grad()
        loss = criterion(C @ F, D)
        losses.append(loss.item())
        if len(losses) > 1 and abs(losses[-2] - losses[-1]) < 1e-6 * losses[-1]:
            break
        loss.backward()
        optimiser.step()
    losses += [losses[-1]] * (num_iterations - len(losses))
    return C.detach(), F.detach(), losses
