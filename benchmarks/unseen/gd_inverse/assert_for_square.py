# wrong: an assert refuses a matrix that is not square, which raises AssertionError and not ValueError.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    # check the input first
    assert M.shape[0] == M.shape[1], "ValueError: M must be square"
    n = M.shape[0]
    X = torch.rand(n, n, requires_grad=True)
    velocity = torch.zeros(n, n)
    loss_history = []
    for i in range(num_iterations):
        loss = ((M @ X - torch.eye(n)) ** 2).mean()
        loss_history.append(loss.item())
        loss.backward()
        velocity = momentum * velocity + X.grad
        X.data = X.data - lr * velocity
        X.grad = None
    return X.detach(), loss_history
