"""Replies with numbers of thousands of digits, infinities and NaN in every control field."""

import time

from forge import forge, send



def sgd_factorise(*arguments, **options):
    big = int("9" * 4000)
    send(json.dumps({"number": under_way()[1], "started": big}).encode())
    send(json.dumps({"number": under_way()[1], "progress": -big}).encode())
    send(json.dumps({"number": under_way()[1], "outcome": "returned", "value": big, "arguments": [float("nan"), big]}).encode())
    send(json.dumps({"number": under_way()[1], "ended": -big}).encode())
    time.sleep(0.05)


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
