# /// mistake
# title = "Vh is taken for V and transposed once more"
# hint = "torch.linalg.svd returns Vh. Is that V, or V transposed already?"
# fails = ["test_truncated_svd_of_a_small_matrix", "test_truncated_svd_is_the_best"]
# ///

import torch


def truncated_svd(A, rank):
    U, S, V = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ torch.diag(S[:rank]) @ V[:, :rank].T
