"""Returns tensors, lists and strings far larger than anybody asked for."""

import torch


def sgd_factorise(A, rank, **options):
    return torch.zeros(5000, 5000), torch.zeros(5000, 5000)


def truncated_svd(A, rank):
    return [0.5] * 10**6


def reconstruction_loss(A, R):
    return "x" * 10**8


def sgd_factorise_masked(A, M, rank, **options):
    return torch.zeros(1).expand(10**6, 10**6), torch.zeros(1)
