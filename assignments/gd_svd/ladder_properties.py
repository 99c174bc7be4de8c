"""What is right on the ladder of gd_svd, where right answers give different numbers.

Each takes what a call returned, the call's arguments by name, and `again`, which makes the call
another time with some arguments changed (and `seed=`, another seed). It gives "" where all is well,
else what would be right. Students receive this file.
"""

import torch

PARTS = ("U", "S", "V")


def complete(returned, given, again):
    """U, S, V and loss_history."""
    m, n = given["M"].shape
    count = given["num_iterations"]
    shapes = ((m, n), (n,), (n, n))
    if not isinstance(returned, tuple | list) or len(returned) != 4:
        return "four results: U, S, V and loss_history"
    for name, part, shape in zip(PARTS, returned[:3], shapes, strict=True):
        if not isinstance(part, torch.Tensor) or tuple(part.shape) != shape:
            return f"{name} of shape {shape}"
    history = returned[3]
    whole = isinstance(history, tuple | list | torch.Tensor) and len(history) == count
    return "" if whole else f"loss_history with {count} losses, one an iteration"


def settled(returned, given, again):
    """S with nothing negative in it, the largest first."""
    S = returned[1]
    if bool((S < 0).any()):
        return "S without negative entries"
    return "" if bool((S[:-1] >= S[1:]).all()) else "S with the largest entry first"


def recorded(returned, given, again):
    """The loss of what comes back is what one more iteration records."""
    count = given["num_iterations"]
    start = again(num_iterations=1, lr=1e-30)
    part = fit(start, given) / float(start[3][0])  # of the loss: M is so large that it is all of it
    if not (0.9 < part < 1.1 or 0.9 < part * given["M"].numel() < 1.1):
        return f"loss_history[0] near {fit(start, given):.4g}, the loss of the start"
    for seed in range(3):
        loss = float(again(num_iterations=count + 1, seed=seed)[3][count])
        there = again(seed=seed)
        back = fit(there, given) / part
        if not crooked(there) < 0.02 * abs(loss):
            continue  # the fit is not all of the loss
        if not abs(back - loss) <= 0.05 * abs(loss) + 0.01:
            return f"U, S and V with the loss {loss:.4g} that one more iteration records; these have {back:.4g}"
    return ""


def still(returned, given, again):
    """What a rate too small to move anything leaves where it was, however many steps are taken."""
    for count in (1, 5):
        other = again(num_iterations=count)
        pairs = zip(returned[:3], other[:3], strict=True)
        if not all(torch.allclose(one.double(), same.double()) for one, same in pairs):
            return "the start, as after one step: the rate is too small to move anything"
    return ""


def arrived(returned, given, again):
    """Columns of length 1 at right angles, and a product that is M."""
    found = []
    for seed in range(4):
        found.append(shortfall(again(seed=seed), given))
        if not found[-1]:
            return ""
    return found[0]


def shortfall(returned, given):
    U, S, V = (part.double() for part in returned[:3])
    for name, Q in (("U", U), ("V", V)):
        gap = float((Q.T @ Q - torch.eye(Q.shape[1])).abs().max())
        if not gap < 0.02:
            return f"{name} with columns of length 1, at right angles ({name}.T @ {name} is off the identity by {gap:.2g})"
    gap = float((U * S @ V.T - given["M"]).abs().max())
    return "" if gap < 0.02 else f"U @ diag(S) @ V.T near M (it is off by {gap:.2g})"


def turned(returned, given, again):
    """V turned as the start has it: M is the same in all directions."""
    for seed in range(2):
        V = again(seed=seed)[2].abs()
        if not bool(torch.minimum(V, (V - 1).abs()).max() < 1e-3):
            return ""
    return "V turned as each start leaves it, since M is the same in every direction"


def crooked(returned):
    U, V = returned[0].double(), returned[2].double()
    gaps = (Q.T @ Q - torch.eye(Q.shape[1]) for Q in (U, V))
    return sum(float((gap**2).sum()) for gap in gaps)


def fit(returned, given):
    U, S, V = (part.double() for part in returned[:3])
    return float(((U * S @ V.T - given["M"]) ** 2).mean())
