"""|S| stands in the product, so S is never negative for the loss and no column has to flip; weights 0.02, velocities in a dict."""
import torch


def gd_svd(M, num_iterations=20000, lr=0.9, momentum=0.9):
    m, n = M.shape
    params = {"U": torch.rand(m, n), "S": torch.rand(n), "V": torch.rand(n, n)}
    speed = {key: 0.0 for key in params}
    eye = torch.eye(n)

    def loss_of(U, S, V):
        fit = ((U @ torch.diag(S.abs()) @ V.T - M) ** 2).mean()
        return fit + 0.02 * (((U.T @ U - eye) ** 2).mean() + ((V.T @ V - eye) ** 2).mean())

    loss_history = []
    for _ in range(num_iterations):
        live = {key: value.clone().requires_grad_() for key, value in params.items()}
        loss = loss_of(**live)
        loss.backward()
        loss_history.append(loss.item())
        speed = {key: momentum * speed[key] + live[key].grad for key in params}
        params = {key: params[key] - lr * speed[key] for key in params}

    S, order = params["S"].abs().sort(descending=True)
    return params["U"][:, order], S, params["V"][:, order], loss_history
