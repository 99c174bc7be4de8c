"""Gradients by formula in NumPy and float64; only the starts and the results are tensors."""

import numpy as np
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    A = M.detach().cpu().numpy().astype(float)
    m, n = A.shape
    U, S, V = torch.rand(m, n).double().numpy(), torch.rand(n).double().numpy(), torch.rand(n, n).double().numpy()
    vU, vS, vV = 0 * U, 0 * S, 0 * V
    I = np.identity(n)
    history = []
    for _ in range(num_iterations):
        R = U * S @ V.T - A
        PU, PV = U.T @ U - I, V.T @ V - I
        history.append(float((R**2).mean() + ((PU**2).mean() + (PV**2).mean()) / 100))
        G = 2 * R / R.size
        gU = G @ V * S + 4 * U @ PU / PU.size / 100
        gV = G.T @ U * S + 4 * V @ PV / PV.size / 100
        gS = ((U.T @ G) * V.T).sum(1)
        vU, vS, vV = momentum * vU + gU, momentum * vS + gS, momentum * vV + gV
        U, S, V = U - lr * vU, S - lr * vS, V - lr * vV
    U = U * np.where(S < 0, -1.0, 1.0)
    order = np.argsort(-np.abs(S))
    return torch.tensor(U[:, order]), torch.tensor(np.abs(S)[order]), torch.tensor(V[:, order]), history
