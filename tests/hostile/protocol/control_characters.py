"""Puts escape sequences, lone surrogates, right-to-left marks and markup into every text that it may send."""

from forge import forge, send



def sgd_factorise(*arguments, **options):
    forge({"outcome": "raised", "type": "\x1b[2JError", "message": "CANARY\ud800 \x1b]0;owned\x07 \u202egnp.exe <script>alert(1)</script> =cmd()\r\n" * 20, "where": "\0\ud83d"})


truncated_svd = reconstruction_loss = sgd_factorise_masked = sgd_factorise
