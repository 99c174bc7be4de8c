# /// mistake
# title = "One singular value is dropped, whatever the rank"
# hint = "How many singular values are left for rank=1 and a matrix with three columns?"
# fails = ["test_truncated_svd_is_the_best"]
# ///

import torch


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :-1] @ torch.diag(S[:-1]) @ Vh[:-1]
