# wrong: the root of the mean square is recorded and not the mean square, and it is recorded after the step.
import torch


def loss_of(X, M):
    R = X @ M - torch.eye(M.shape[0])
    return (R**2).mean()


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("square please")
    X = torch.rand(M.shape, requires_grad=True)
    opt = torch.optim.SGD([X], lr=lr, momentum=momentum)
    loss_history = []
    for _ in range(num_iterations):
        opt.zero_grad()
        loss_of(X, M).backward()
        opt.step()
        with torch.no_grad():
            loss_history.append(loss_of(X, M).sqrt().item())
    return X.detach(), loss_history
