# /// mistake
# title = "The last residual is written into D"
# hint = "What is in D after the call? Which operator put it there?"
# fails = ["test_d_stays_as_it_was", "test_factorising_leaves_d_alone"]
# ///

import torch


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    loss_history = []
    for _ in range(num_iterations):
        loss = criterion(C @ F, D)
        loss_history.append(loss.item())
        loss.backward()
        with torch.no_grad():
            C -= lr * C.grad
            F -= lr * F.grad
            C.grad.zero_()
            F.grad.zero_()
    with torch.no_grad():
        D -= C @ F
    print("largest residual:", D.abs().max().item())
    return C.detach(), F.detach(), loss_history
