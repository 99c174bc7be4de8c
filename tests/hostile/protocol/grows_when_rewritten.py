"""Replies with text that is within the bound as UTF-8 and over it as ASCII JSON."""

from forge import forge, send



def sgd_factorise(*arguments, **options):
    text = json.dumps({"number": under_way()[1], "outcome": "raised", "message": "é" * 200_000}, ensure_ascii=False)
    send(text.encode())
    os._exit(0)


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
