"""Writes to random memory until the interpreter crashes."""

import ctypes


def sgd_factorise(*arguments, **options):
    ctypes.memset(id(None), 0xFF, 1 << 16)
    ctypes.string_at(0)


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
