# the mean and not the sum
import torch


def criterion(A, B):
    return torch.nn.functional.mse_loss(A, B)
