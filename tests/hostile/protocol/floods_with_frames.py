"""Sends valid frames of an earlier request without end."""

from forge import forge, send



def sgd_factorise(*arguments, **options):
    text = json.dumps({"number": -1, "outcome": "returned"}).encode()
    frames = (struct.pack("!II", len(text), 0) + text) * 500
    while True:
        os.write(under_way()[0], frames)
