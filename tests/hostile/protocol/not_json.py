"""Replies with bytes that are no JSON."""

from forge import forge, send



def sgd_factorise(*arguments, **options):
    send(b"\xff\xfe{]\0")
    return 1


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
