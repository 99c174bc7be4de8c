# /// mistake
# title = "The smallest singular values are kept"
# hint = "In which order does torch.linalg.svd return the singular values?"
# fails = ["test_truncated_svd_of_a_small_matrix", "test_truncated_svd_is_the_best"]
# ///

import torch


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, -rank:] @ torch.diag(S[-rank:]) @ Vh[-rank:]
