# /// mistake
# title = "V is not transposed"
# hint = "torch.svd returns V. What does the product need: V, or V transposed?"
# fails = ["test_truncated_svd_of_a_small_matrix", "test_truncated_svd_is_the_best"]
# ///

import torch


def truncated_svd(A, rank):
    U, S, V = torch.svd(A)
    return U[:, :rank] @ torch.diag(S[:rank]) @ V[:rank]
