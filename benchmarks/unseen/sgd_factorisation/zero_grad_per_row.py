# wrong: with autograd, the gradients are emptied after each row and not after each element, so old gradients of U stay in the steps.
import torch


def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U = torch.rand(m, rank, requires_grad=True)
    V = torch.rand(n, rank, requires_grad=True)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                e = (A[r, c] - U[r] @ V[c]).item()
                # only U first: derivative of the loss is -e times that of the prediction
                (-e * (U[r] @ V[c].detach())).backward()
                with torch.no_grad():
                    U[r] -= lr * U.grad[r]
                # now V, with the new U
                (-e * (U[r].detach() @ V[c])).backward()
                with torch.no_grad():
                    V[c] -= lr * V.grad[c]
            U.grad.zero_()
            V.grad.zero_()
    return U.detach(), V.detach()


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return torch.einsum("ik,k,kj->ij", U[:, :rank], S[:rank], Vh[:rank])


def reconstruction_loss(A, R):
    return torch.nn.functional.mse_loss(R, A, reduction="sum")


def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    m, n = A.shape
    U, V = torch.rand(m, rank), torch.rand(n, rank)
    for _ in range(num_epochs):
        for r in range(m):
            for c in range(n):
                if M[r, c].item() == 0:
                    continue
                e = (A[r, c] - U[r] @ V[c]).item()
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V
