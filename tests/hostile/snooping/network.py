"""Connects to the local machine, the internet and abstract sockets, and asks a name server."""

import socket

FOUND = "nothing"
for family, address in (
    (socket.AF_INET, ("127.0.0.1", int("@PORT@"))),
    (socket.AF_INET, ("1.1.1.1", 53)),
    (socket.AF_UNIX, "\0autograder-canary-@PORT@"),
    (socket.AF_UNIX, "/run/docker.sock"),
):
    try:
        with socket.socket(family) as connection:
            connection.settimeout(0.2)
            connection.connect(address)
            connection.sendall(b"canary")
            FOUND = f"canary: reached {address}"
    except OSError:
        pass
try:
    FOUND = "canary: " + socket.gethostbyname("example.org")
except OSError:
    pass


def tell(*arguments, **options):
    raise ValueError(FOUND)


sgd_factorise = truncated_svd = reconstruction_loss = sgd_factorise_masked = tell
