# /// mistake
# title = "The singular values are left out of the product"
# hint = "Three things come out of the SVD. Which of them does your product use?"
# fails = ["test_truncated_svd_of_a_small_matrix", "test_truncated_svd_is_the_best"]
# ///

import torch


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ Vh[:rank]
