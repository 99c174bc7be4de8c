"""Keeps memory in the kernel: System V message queues, and locks of a million single bytes."""

import ctypes
import fcntl
import time


def sgd_factorise(*arguments, **options):
    libc = ctypes.CDLL(None)
    if libc.msgget(0, 0o1600) >= 0:
        return "canary: a message queue"
    file = open("/tmp/locked", "w")
    for place in range(2_000_000, 0, -2):
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    time.sleep(1000)
