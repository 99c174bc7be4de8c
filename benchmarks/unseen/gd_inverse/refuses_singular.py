# wrong: a square but singular M is refused with ValueError, although only a matrix that is not square is to be.
import torch


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("M has to be square")
    n = M.shape[0]
    # there is no inverse if M does not have full rank
    if torch.linalg.matrix_rank(M) < n:
        raise ValueError("M is not invertible")
    X = torch.rand(n, n, requires_grad=True)
    V = torch.zeros(n, n)
    losses = []
    for _ in range(num_iterations):
        loss = (X @ M - torch.eye(n)).pow(2).mean()
        losses.append(loss.item())
        (G,) = torch.autograd.grad(loss, X)
        V = momentum * V + G
        with torch.no_grad():
            X -= lr * V
    return X.detach(), losses
