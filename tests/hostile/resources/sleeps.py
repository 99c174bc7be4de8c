"""Sleeps for ever in a call, with every signal ignored, so that no CPU limit is reached."""

import signal
import time

for number in range(1, 32):
    try:
        signal.signal(number, signal.SIG_IGN)
    except OSError:
        pass


def truncated_svd(*arguments):
    time.sleep(10**6)
