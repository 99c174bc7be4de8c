"""torch.optim.Rprop (only the signs of the gradients count, momentum has no use); U comes back as float64, S and V as float32."""
import torch


def orthonormality(W):
    gram = W.T @ W
    return torch.mean((gram - torch.eye(gram.shape[0])) ** 2)


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    rows, cols = M.shape
    left = torch.rand(rows, cols).requires_grad_()
    middle = torch.rand(cols).requires_grad_()
    right = torch.rand(cols, cols).requires_grad_()
    rprop = torch.optim.Rprop([left, middle, right], lr=lr, step_sizes=(min(1e-6, lr), 50))
    losses = []
    for i in range(num_iterations):
        rprop.zero_grad()
        error = torch.mean((left @ torch.diag(middle) @ right.T - M) ** 2)
        total = error + 0.05 * orthonormality(left) + 0.05 * orthonormality(right)
        total.backward()
        losses.append(float(total.detach()))
        rprop.step()

    with torch.no_grad():
        for k in range(cols):
            if middle[k].item() < 0:
                middle[k] *= -1
                left[:, k] *= -1
        keys = sorted(range(cols), key=middle.tolist().__getitem__, reverse=True)
    return left.detach()[:, keys].double(), middle.detach()[keys], right.detach()[:, keys], losses
