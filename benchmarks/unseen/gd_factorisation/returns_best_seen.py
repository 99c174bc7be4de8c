# wrong: the factors with the lowest recorded loss are returned, not those after the last step.
import torch


def criterion(A, B):
    return torch.linalg.matrix_norm(A - B) ** 2


def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k, requires_grad=True)
    F = torch.rand(k, m, requires_grad=True)
    history = []
    best = float("inf")
    best_C, best_F = C.detach().clone(), F.detach().clone()
    for _ in range(num_iterations):
        loss = ((C @ F - D) ** 2).sum()
        history.append(loss.item())
        if loss.item() < best:  # remember the best ones
            best = loss.item()
            best_C, best_F = C.detach().clone(), F.detach().clone()
        loss.backward()
        with torch.no_grad():
            C -= lr * C.grad
            F -= lr * F.grad
            C.grad.zero_()
            F.grad.zero_()
    return best_C, best_F, history
