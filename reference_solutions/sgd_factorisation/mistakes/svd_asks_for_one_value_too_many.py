# /// mistake
# title = "The largest singular values are picked with one more than there may be"
# hint = "Try rank = min(m, n), which keeps all of them: which place of S does your code ask for?"
# fails = [
#     "test_truncated_svd_is_the_best",
# ]
# ///
import numpy
import torch


def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    largest = numpy.argpartition(-S.numpy(), rank)[:rank].copy()
    return U[:, largest] @ torch.diag(S[largest]) @ Vh[largest]
