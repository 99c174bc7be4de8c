"""Claims functions whose defaults are lists nested hundreds deep."""

from forge import forge, send


nested = "[" * 900 + "]" * 900
functions = ", ".join(f'"{name}": {{"num_epochs": {nested}, "lr": {nested}}}' for name in ("sgd_factorise", "sgd_factorise_masked"))
send(f'{{"number": {under_way()[1]}, "outcome": "loaded", "functions": {{{functions}}}}}'.encode())



def sgd_factorise(*arguments, **options):
    return None


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
