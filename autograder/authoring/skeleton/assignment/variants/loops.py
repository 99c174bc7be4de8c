"""Adds up the rows in a loop of plain Python."""

import torch


def column_means(A):
    total = torch.zeros(len(A[0]))
    for row in A:
        total = total + row
    return total / len(A)
