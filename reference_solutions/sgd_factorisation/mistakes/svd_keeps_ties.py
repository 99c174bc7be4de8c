# /// mistake
# title = "All singular values that are as large as the last one kept are kept with it"
# hint = "Which rank has your result for the identity matrix and rank=1?"
# fails = ["test_truncated_svd_is_the_best"]
# ///
import torch


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    S = torch.where(S >= S[rank - 1], S, 0.0)
    return U @ torch.diag(S) @ Vh
