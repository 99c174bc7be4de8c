# /// mistake
# title = "U, S and Vh are returned, not their product"
# hint = "How many matrices does the docstring promise, and of which shape?"
# fails = ["test_truncated_svd_of_a_small_matrix", "test_truncated_svd_is_the_best"]
# ///

import torch


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank], S[:rank], Vh[:rank]
