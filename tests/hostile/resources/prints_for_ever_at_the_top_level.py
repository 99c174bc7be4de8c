"""Prints for ever while the file is being read in."""

import os

while True:
    os.write(1, b"x" * 65536)
