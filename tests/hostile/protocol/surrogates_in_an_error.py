"""Raises errors whose words no encoding can write: lone surrogates, in the message, the type and the file's own lines."""


def sgd_factorise(*arguments, **options):
    raise type("Bad\ud800", (Exception,), {})("lone surrogate: \udfff\ud800")


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
