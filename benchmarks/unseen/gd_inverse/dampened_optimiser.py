# wrong: dampening=momentum in torch.optim.SGD puts a factor 1 - momentum before the gradients.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("M is not square")
    n = M.shape[0]
    X = torch.rand(n, n, requires_grad=True)
    # dampening = momentum gives a proper running average of the gradients
    opt = torch.optim.SGD([X], lr=lr, momentum=momentum, dampening=momentum)
    loss_history = []
    for _ in range(num_iterations):
        loss = torch.nn.functional.mse_loss(X @ M, torch.eye(n))
        opt.zero_grad()
        loss.backward()
        loss_history.append(loss.item())
        opt.step()
    return X.detach(), loss_history
