"""Leaves the text CANARY-LEFT-BEHIND for accomplices, in files, shared memory and queues."""

import ctypes
import glob
import os

libc = ctypes.CDLL(None)
for folder in ("/tmp", "/dev/shm", "/var/tmp", "/run", "/dev/mqueue", *glob.glob("/usr/lib/python3*")):
    try:
        with open(os.path.join(folder, "left"), "w") as file:
            file.write("CANARY-LEFT-BEHIND")
    except OSError:
        pass
for key in range(1, 10):
    libc.shmget(key, 4096, 0o1666)
    libc.msgget(key, 0o1666)
