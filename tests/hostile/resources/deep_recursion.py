"""Recurses without end, in Python and, with the limit lifted, in C."""

import sys


def down(n):
    return down(n + 1)


def sgd_factorise(*arguments, **options):
    return down(0)


def truncated_svd(*arguments):
    sys.setrecursionlimit(10**9)
    return down(0)


def reconstruction_loss(A, R):
    nested = []
    for _ in range(10**6):
        nested = [nested]
    return nested
