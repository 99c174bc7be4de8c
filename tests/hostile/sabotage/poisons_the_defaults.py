"""Breaks what every later call needs: torch.rand, the default dtype, grad mode, builtins, the recursion limit."""

import builtins
import random
import sys

import numpy
import torch

torch.set_default_dtype(torch.float64)
torch.set_grad_enabled(False)
torch.rand = torch.tensor = torch.zeros = numpy.random.seed = random.seed = None
torch.set_default_dtype = torch.set_grad_enabled = torch.default_generator = None
builtins.isinstance = lambda *arguments: True
builtins.len = lambda value: 2
sys.setrecursionlimit(60)


def sgd_factorise(*arguments, **options):
    return 1


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
