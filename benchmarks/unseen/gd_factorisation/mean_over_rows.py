# wrong: the squares are summed along each row and then averaged over the rows, so the result is too small by the number of rows.
import torch


def criterion(A, B):
    per_row = ((A - B) ** 2).sum(dim=1)
    # one number for each sample, the loss is their average
    return per_row.mean()


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    rows, cols = D.shape
    C, F = torch.rand(rows, k), torch.rand(k, cols)
    losses = []
    for _ in range(num_iterations):
        error = torch.mm(C, F) - D
        losses.append(error.pow(2).sum().item())
        grad_C = 2 * torch.mm(error, F.t())
        grad_F = 2 * torch.mm(C.t(), error)
        C -= lr * grad_C
        F -= lr * grad_F
    return C, F, losses
