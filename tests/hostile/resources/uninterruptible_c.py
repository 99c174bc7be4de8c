"""Computes in C code that holds the interpreter's lock: a huge power and a catastrophic regular expression."""

import re


def truncated_svd(*arguments):
    return len(str(7 ** 10**9))


def reconstruction_loss(*arguments):
    return re.match(r"(a+)+$", "a" * 60 + "b")
