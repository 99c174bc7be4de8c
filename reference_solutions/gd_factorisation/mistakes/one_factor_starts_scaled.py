# /// mistake
# title = "F starts from torch.rand divided by k"
# hint = "Both factors start from torch.rand as it comes. What does your F hold before the first step?"
# fails = ["test_start_is_torch_rand"]
# ///

import torch


def criterion(A, B):
    gap = A - B
    return torch.sum(gap.square())

def gd_factorise(D, k, num_iterations=10000, lr=0.001):
    n, m = D.shape
    C = torch.rand(n, k)
    F = torch.rand(k, m) / k
    C.requires_grad_()
    F.requires_grad_()
    track = []
    for _ in range(num_iterations):
        error = criterion(C @ F, D)
        track.append(error.item())
        slope_C, slope_F = torch.autograd.grad(error, (C, F))
        with torch.no_grad():
            C.sub_(lr * slope_C)
            F.sub_(lr * slope_F)
    return C, F, track
