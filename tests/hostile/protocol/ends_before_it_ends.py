"""Says that the call has ended while it goes on computing."""

from forge import forge, send



def sgd_factorise(*arguments, **options):
    send(json.dumps({"number": under_way()[1], "outcome": "returned", "value": None, "arguments": []}).encode())
    send(json.dumps({"number": under_way()[1], "ended": 0}).encode())
    while True:
        pass
