"""Runs on in `finally`, `__del__`, `atexit` and exit hooks, each for ever."""

import atexit
import sys
import time


class Undead:
    def __del__(self):
        while True:
            time.sleep(1)


atexit.register(time.sleep, 1000)
sys.excepthook = lambda *arguments: time.sleep(1000)


def truncated_svd(A, rank):
    undead = Undead()
    try:
        return A
    finally:
        del undead
