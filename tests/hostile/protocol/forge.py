"""What the files of this folder share, put in the place of their line `from forge import forge, send`.

Finds the descriptor and the number of the request under way in its callers' frames, and writes frames of its own.
"""

import json
import os
import struct
import sys


def under_way():
    frame = sys._getframe()
    while "replies" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["replies"], frame.f_locals["number"]["number"]


def send(text, payload=b"", lengths=None):
    """Write a frame of these bytes, with these lengths or true ones."""
    data = struct.pack("!II", *(lengths or (len(text), len(payload)))) + text + payload
    while data:
        data = data[os.write(under_way()[0], data) :]


def forge(header, payload=b"", **control):
    """Write a reply with this header, and end the process."""
    send(json.dumps({"number": under_way()[1]} | header).encode(), payload)
    os._exit(0)
