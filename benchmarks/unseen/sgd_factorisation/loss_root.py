# the Frobenius norm and not its square
import torch


def reconstruction_loss(A, R):
    return torch.linalg.norm(A - R)
