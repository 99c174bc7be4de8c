# /// mistake
# title = "The list of losses lives outside the function and grows with every call"
# hint = "Call your function twice. How long is loss_history then, and whose losses does it begin with?"
# fails = ["test_loss_is_recorded_before_each_step"]
# ///
import torch

loss_history = []


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    for _ in range(num_iterations):
        loss = criterion(C @ F, D)
        loss_history.append(loss.item())
        loss.backward()
        with torch.no_grad():
            C -= lr * C.grad
            F -= lr * F.grad
            C.grad.zero_()
            F.grad.zero_()
    return C.detach(), F.detach(), loss_history
