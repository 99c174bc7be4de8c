"""Sends tensors of types that few machines know: float8, unsigned 64-bit, complex, float4."""

from forge import forge, send


def packed(tensors, data=b""):
    """A safetensors payload with this header, true or not."""
    text = json.dumps(tensors).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data



def sgd_factorise(*arguments, **options):
    kinds = {"F8_E4M3": 4, "F8_E5M2": 4, "U64": 32, "C64": 32, "F4": 2, "E8M0": 4}
    name = list(kinds)[under_way()[1] % len(kinds)]
    forge({"outcome": "returned", "value": {"tensor": "0"}, "arguments": []}, packed({"0": {"dtype": name, "shape": [4], "data_offsets": [0, kinds[name]]}}, bytes(kinds[name])))


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
