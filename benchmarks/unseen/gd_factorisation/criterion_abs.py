# absolute differences
import torch


def criterion(A, B):
    return torch.abs(A - B).sum()
