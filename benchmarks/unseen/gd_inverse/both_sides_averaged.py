# wrong: half the sum of X M and M X is compared with the identity, in place of one of the two.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("M must be a square matrix")
    size = M.shape[0]
    X = torch.rand(size, size, requires_grad=True)
    target = torch.eye(size)
    optimizer = torch.optim.SGD([X], lr=lr, momentum=momentum)
    loss_history = []
    for _ in range(num_iterations):
        optimizer.zero_grad()
        # an inverse has to work from both sides
        product = 0.5 * (X @ M + M @ X)
        loss = torch.mean((product - target) ** 2)
        loss_history.append(loss.item())
        loss.backward()
        optimizer.step()
    return X.detach(), loss_history
