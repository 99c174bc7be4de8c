"""Leaves zombies and orphans behind in every call."""

import os
import time


def reconstruction_loss(A, R):
    for _ in range(8):
        if os.fork() == 0:
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
    return None
