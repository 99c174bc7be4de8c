"""Sends a payload that is not safetensors."""

from forge import forge, send



def sgd_factorise(*arguments, **options):
    forge({"outcome": "returned", "value": {"tensor": "0"}, "arguments": []}, os.urandom(1000))


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
