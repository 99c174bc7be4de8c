"""Kills its own loader while the file is being read in."""

import os
import signal

os.kill(os.getpid(), signal.SIGKILL)


def sgd_factorise(*arguments, **options):
    return None


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
