# wrong: the argument momentum is ignored, the optimiser always has 0.9.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    height, width = M.shape
    if height != width:
        raise ValueError("M must have as many rows as columns")
    X = torch.nn.Parameter(torch.rand(height, height))
    criterion = torch.nn.MSELoss()
    optimizer = torch.optim.SGD([X], lr=lr, momentum=0.9)
    losses = []
    for _ in range(num_iterations):
        loss = criterion(X @ M, torch.eye(height))
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return X.detach(), losses
