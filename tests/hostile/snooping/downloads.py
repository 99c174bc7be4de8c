"""Downloads through urllib and torch.hub what it would hand in."""

import urllib.request

import torch

FOUND = "nothing"
for url in ("http://127.0.0.1:@PORT@/canary", "https://example.org/"):
    try:
        FOUND = "canary: " + urllib.request.urlopen(url, timeout=0.2).read(64).decode()
    except OSError:
        pass
try:
    torch.hub.download_url_to_file("http://127.0.0.1:@PORT@/canary", "/tmp/solution.py", progress=False)
    FOUND = "canary: downloaded"
except Exception:
    pass


def tell(*arguments, **options):
    raise ValueError(FOUND)


sgd_factorise = truncated_svd = reconstruction_loss = sgd_factorise_masked = tell
