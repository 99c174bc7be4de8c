"""Prints for ever, on both streams."""

import sys


def reconstruction_loss(A, R):
    while True:
        print("x" * 4096)
        print("y" * 4096, file=sys.stderr)
