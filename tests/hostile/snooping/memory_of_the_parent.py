"""Reads its parents' memory, by ptrace, process_vm_readv and /proc/PID/mem."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
FOUND = "nothing"
buffer = ctypes.create_string_buffer(64)


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


for pid in (1, os.getppid()):
    local, remote = Vector(ctypes.addressof(buffer), 64), Vector(id(os), 64)
    if libc.process_vm_readv(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0) > 0:
        FOUND = "canary: read memory of " + str(pid)
    if libc.ptrace(16, pid, None, None) == 0:
        FOUND = "canary: attached to " + str(pid)
    try:
        FOUND = "canary: " + repr(open(f"/proc/{pid}/mem", "rb").read(8))
    except OSError:
        pass


def tell(*arguments, **options):
    raise ValueError(FOUND)


sgd_factorise = truncated_svd = reconstruction_loss = sgd_factorise_masked = tell
