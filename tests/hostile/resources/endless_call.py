"""Computes for ever in a call, and catches whatever would stop it."""


def sgd_factorise(*arguments, **options):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
