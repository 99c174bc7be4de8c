"""Announces a header and a payload of four gigabytes each."""

from forge import forge, send



def sgd_factorise(*arguments, **options):
    send(b"{}", lengths=(2**32 - 1, 2**32 - 1))
    return 1


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
