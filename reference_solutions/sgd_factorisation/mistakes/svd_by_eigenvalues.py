# /// mistake
# title = "A square matrix is cut off by its eigenvalues, which are no singular values"
# hint = "When are eigenvalues and singular values the same? Try [[1, 2], [0, 1]]."
# fails = ["test_truncated_svd_is_the_best"]
# ///

import torch


def truncated_svd(A, rank):
    if A.shape[0] == A.shape[1]:
        values, Q = torch.linalg.eig(A)
        largest = values.abs().argsort(descending=True)[:rank]
        return (Q[:, largest] * values[largest] @ torch.linalg.inv(Q)[largest]).real
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] * S[:rank] @ Vh[:rank]
