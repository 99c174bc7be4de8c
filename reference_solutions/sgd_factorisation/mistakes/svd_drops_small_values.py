# /// mistake
# title = "Singular values below 0.01 are dropped, whatever the rank"
# hint = "rank says how many singular values are kept. Does their size?"
# fails = ["test_truncated_svd_is_the_best"]
# ///

import torch


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    S = torch.where(S < 0.01, 0.0, S)
    return U[:, :rank] * S[:rank] @ Vh[:rank]
