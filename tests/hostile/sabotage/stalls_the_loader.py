"""Leaves a loader that never starts a call, and takes its time when it is made anew."""

import os
import time

if os.path.exists("/tmp/made-before"):
    time.sleep(1.5)
open("/tmp/made-before", "w").close()


def sgd_factorise(*arguments, **options):
    pass


def reconstruction_loss(*arguments, **options):
    pass


os.fork = lambda: time.sleep(1000)
