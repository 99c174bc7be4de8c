# /// mistake
# title = "V and its transpose are taken for each other"
# hint = "torch.svd returns V, torch.linalg.svd returns Vh, V transposed already. Which of them does your product need, and which rows or columns of it?"
# fails = ["test_truncated_svd_of_a_small_matrix", "test_truncated_svd_is_the_best"]
# ///

import torch


def truncated_svd(A, rank):
    U, S, V = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ torch.diag(S[:rank]) @ V[:, :rank].T
