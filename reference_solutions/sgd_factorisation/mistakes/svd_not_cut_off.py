# /// mistake
# title = "All singular values are kept"
# hint = "Which rank has the matrix that you return? Compare it with A."
# fails = ["test_truncated_svd_of_a_small_matrix", "test_truncated_svd_is_the_best"]
# ///

import torch


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U @ torch.diag(S) @ Vh
