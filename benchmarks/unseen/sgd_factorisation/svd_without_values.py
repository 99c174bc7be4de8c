# the singular values are left out
import torch


def truncated_svd(A, rank):
    U, S, Vt = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ Vt[:rank, :]
