"""Writes half a frame and waits for ever for the grader to read the rest."""

import time

from forge import forge, send



def sgd_factorise(*arguments, **options):
    send(b"{", lengths=(1000, 0))
    time.sleep(1000)
