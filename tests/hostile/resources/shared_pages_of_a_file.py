"""Hides memory in shared pages of deleted files, and of descriptors that are files only in name."""

import ctypes
import mmap
import os
import time

LIBC = ctypes.CDLL(None, use_errno=True)


def deleted(name, size):
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT)
    os.unlink(name)
    os.ftruncate(descriptor, size)
    return descriptor


def sgd_factorise(*arguments, **options):
    kept = []
    for number in range(64):
        for folder in ("/tmp", "/dev/shm"):
            try:
                descriptor = deleted(f"{folder}/{number}", 32 << 20)
                pages = mmap.mmap(descriptor, 32 << 20)
                pages.write(bytes(32 << 20))
                kept.append(pages)
            except (OSError, ValueError):
                pass
        made = LIBC.memfd_create(b"x", 0)
        if made >= 0:
            kept.append(mmap.mmap(made, 32 << 20))
    time.sleep(1000)
