"""gd_svd in float32 for `python -m benchmarks.draws`: NumPy, autograd is five times slower."""

import numpy as np
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    A, (m, n) = M.numpy(), M.shape
    U, S, V = (torch.rand(shape).numpy() for shape in ((m, n), (n,), (n, n)))
    identity, losses = np.eye(n, dtype=np.float32), []
    of_fit, of_penalty = np.float32(2 / (m * n)), np.float32(4 / n**2 / 100)
    vU, vS, vV = (np.zeros_like(factor) for factor in (U, S, V))
    lr, momentum = np.float32(lr), np.float32(momentum)
    with np.errstate(all="ignore"):
        for _ in range(num_iterations):
            US = U * S
            R, PU, PV = US @ V.T - A, U.T @ U - identity, V.T @ V - identity
            crooked = np.vdot(PU, PU) + np.vdot(PV, PV)
            losses.append(
                float(np.vdot(R, R) / np.float32(m * n) + crooked / np.float32(100 * n * n))
            )
            RV = R @ V
            vU = momentum * vU + of_fit * (RV * S) + of_penalty * (U @ PU)
            vS = momentum * vS + of_fit * (U * RV).sum(0)
            vV = momentum * vV + of_fit * (R.T @ US) + of_penalty * (V @ PV)
            U, S, V = U - lr * vU, S - lr * vS, V - lr * vV
    order = np.argsort(-np.abs(S))
    U, S, V = (np.where(S < 0, -U, U))[:, order], np.abs(S)[order], V[:, order]
    return (*map(torch.from_numpy, (U, S, V)), losses)
