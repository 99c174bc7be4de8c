"""Forks at the top level and lets both processes go on as its loader."""

import os

os.fork()


def sgd_factorise(*arguments, **options):
    return os.getpid()


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
