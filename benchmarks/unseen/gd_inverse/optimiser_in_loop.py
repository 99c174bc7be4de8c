# wrong: the optimiser is made anew in every iteration, so its velocity is lost each time.
import torch


def one_step(X, M, lr, momentum):
    optimizer = torch.optim.SGD([X], lr=lr, momentum=momentum)
    optimizer.zero_grad()
    loss = ((X @ M - torch.eye(M.shape[0])) ** 2).mean()
    loss.backward()
    optimizer.step()
    return loss.item()


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("not square")
    X = torch.rand(M.shape[0], M.shape[0], requires_grad=True)
    loss_history = [one_step(X, M, lr, momentum) for _ in range(num_iterations)]
    return X, loss_history
