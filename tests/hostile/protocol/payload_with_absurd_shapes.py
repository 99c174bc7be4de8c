"""Sends empty tensors with dimensions of 2**62 and shapes whose product overflows."""

from forge import forge, send


def packed(tensors, data=b""):
    """A safetensors payload with this header, true or not."""
    text = json.dumps(tensors).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data



def sgd_factorise(*arguments, **options):
    forge({"outcome": "returned", "value": {"items": [{"tensor": "0"}, {"tensor": "1"}], "type": "tuple", "length": 2}, "arguments": []}, packed({"0": {"dtype": "F32", "shape": [2**62, 0, 4], "data_offsets": [0, 0]}, "1": {"dtype": "F32", "shape": [0, 2**63 - 1], "data_offsets": [0, 0]}}))


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
