# /// mistake
# title = "It stops where a step changes the loss by less than a millionth of itself, and fills the history up"
# hint = "How many steps does num_iterations promise, however little one of them gains?"
# fails = ["test_each_step_is_that_of_the_rule"]
# ///

import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("M is not square")
    X = torch.rand(M.shape, requires_grad=True)
    optimiser = torch.optim.SGD([X], lr=lr, momentum=momentum)
    identity = torch.eye(len(M))
    history = []
    for _ in range(num_iterations):
        optimiser.zero_grad()
        loss = ((X @ M - identity) ** 2).mean()
        history.append(loss.item())
        if len(history) > 1 and abs(history[-2] - history[-1]) < 1e-6 * history[-1]:
            break
        loss.backward()
        optimiser.step()
    history += history[-1:] * (num_iterations - len(history))
    return X.detach(), history
