"""Makes namespaces, mounts and host names of its own."""

import ctypes
import os

libc = ctypes.CDLL(None)
for flag in (0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x08000000):
    libc.unshare(flag)
libc.mount(b"tmpfs", b"/usr", b"tmpfs", 0, b"")
libc.mount(b"@COURSE@", b"/tmp", None, 4096, None)
libc.sethostname(b"hostile", 7)
libc.umount2(b"/tmp", 2)
libc.pivot_root(b"/tmp", b"/tmp")
for number in (0, 65534, 1000):
    libc.setuid(number)


def sgd_factorise(*arguments, **options):
    return os.getuid()


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
