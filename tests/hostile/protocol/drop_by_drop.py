"""Writes its reply one byte at a time, each just before patience would end."""

import time

from forge import forge, send



def sgd_factorise(*arguments, **options):
    for byte in b"\0\0\1\0\0\0\0\0" + b" " * 255:
        os.write(under_way()[0], bytes([byte]))
        time.sleep(0.05)
