"""float64 all the way, backward() and zeroed gradients, the learning rate inside the velocity; a list for the tuple."""

import torch
import torch.nn.functional as F

torch.set_printoptions(precision=6)


def gd_inverse(M, num_iterations=10000, lr=0.9, momentum=0.9):
    if M.shape[0] != M.shape[1]:
        raise ValueError("square matrices only")
    A = M.to(torch.float64)
    X = torch.rand(A.shape, dtype=torch.float64).requires_grad_(True)
    move = torch.zeros_like(A)
    loss_history = [0.0] * num_iterations
    for i in range(num_iterations):
        loss = F.mse_loss(X @ A, torch.eye(A.shape[0], dtype=torch.float64))
        loss_history[i] = loss.item()
        loss.backward()
        with torch.no_grad():
            move = momentum * move - lr * X.grad
            X += move
            X.grad = None
    return [X.float(), loss_history]
