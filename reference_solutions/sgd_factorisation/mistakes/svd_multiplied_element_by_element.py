# /// mistake
# title = "Matrices are multiplied element by element"
# hint = "What does * do to two matrices, and what does @ do?"
# fails = ["test_truncated_svd_is_the_best"]
# ///

import torch


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return (U[:, :1] * S[0] * Vh[:1]) if rank == 1 else U[:, :rank] * S[:rank] * Vh[:rank]
