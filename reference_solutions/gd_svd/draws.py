"""gd_svd in float32 for `python -m benchmarks.draws`: NumPy, autograd is five times slower. For the long
checks, the rule from many starts at once.
"""

import numpy as np
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    U, S, V = torch.rand(m, n), torch.rand(n), torch.rand(n, n)
    U, S, V, losses = _descent(M, U, S, V, num_iterations, lr, momentum)
    order = S.abs().argsort(descending=True)
    return torch.where(S < 0, -U, U)[:, order], S.abs()[order], V[:, order], losses


def _descent(M, U, S, V, steps, lr, momentum):
    (m, n), losses = M.shape, []
    A, U, S, V = (value.numpy() for value in (M, U, S, V))
    identity = np.eye(n, dtype=np.float32)
    of_fit, of_penalty = np.float32(2 / (m * n)), np.float32(4 / n**2 / 100)
    vU, vS, vV = (np.zeros_like(factor) for factor in (U, S, V))
    lr, momentum = np.float32(lr), np.float32(momentum)
    with np.errstate(all="ignore"):
        for _ in range(steps):
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
    return *map(torch.from_numpy, (U, S, V)), losses


def _many_descents(_, calls):
    """`_descent` for each of these arguments. The longest come first, so that those that have ended
    are the last ones of all arrays.
    """
    order = sorted(range(len(calls)), key=lambda number: -calls[number][4])
    *given, steps, rates, momenta = zip(*(calls[number] for number in order), strict=True)
    M, U, S, V = map(torch.stack, given)
    lr, momentum = torch.tensor(rates)[:, None, None], torch.tensor(momenta)[:, None, None]
    S, (m, n), losses, ends, going = S[:, None], M.shape[1:], [], {}, len(calls)
    vU, vS, vV = map(torch.zeros_like, (U, S, V))
    for step in range(steps[0] + 1):
        first = going
        while going and steps[going - 1] == step:
            going -= 1
            ends[going] = U[going].clone(), S[going, 0].clone(), V[going].clone()
        if going < first:
            M, U, S, V, vU, vS, vV, lr, momentum = (
                value[:going] for value in (M, U, S, V, vU, vS, vV, lr, momentum)
            )
        US = U * S
        R, PU, PV = US @ V.mT - M, U.mT @ U - torch.eye(n), V.mT @ V - torch.eye(n)
        crooked = (PU * PU).sum((1, 2)) + (PV * PV).sum((1, 2))
        losses.append((R * R).sum((1, 2)) / (m * n) + crooked / (100 * n * n))
        RV = R @ V
        vU = momentum * vU + 2 / (m * n) * (RV * S) + 0.04 / n**2 * (U @ PU)
        vS = momentum * vS + 2 / (m * n) * (U * RV).sum(1, keepdim=True)
        vV = momentum * vV + 2 / (m * n) * (R.mT @ US) + 0.04 / n**2 * (V @ PV)
        U, S, V = U - lr * vU, S - lr * vS, V - lr * vV
    record, results = torch.nn.utils.rnn.pad_sequence(losses), {}  # call × step
    for place, number in enumerate(order):
        results[number] = *ends[place], record[place, : steps[place]].tolist()
    return [results[number] for number in range(len(calls))]


LONG = (
    "test_loss_history_is_the_loss_of_what_is_returned",
    "test_finds_the_singular_values",
    "test_a_thousand_steps_arrive_where_the_start_leads",
)
MANY = {"_descent": _many_descents}
