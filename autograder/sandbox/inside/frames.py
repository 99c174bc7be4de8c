"""Frames: two big-endian 32-bit lengths, a JSON header of the first length, a safetensors payload
of the second.
"""

from __future__ import annotations

import json
import os
import struct

FRAME = struct.Struct("!II")
# a word to the loader: the frame of a call follows; or the process of the last call shall end
CALL, END = b"+", b"-"


def pack(header: dict, payload: bytes = b"") -> bytes:
    """A frame."""
    text = json.dumps(header).encode()
    return FRAME.pack(len(text), len(payload)) + text + payload


def read_exactly(descriptor: int, count: int) -> bytes:
    """Read `count` bytes; EOFError when the other side is gone."""
    parts = []
    while count:
        part = os.read(descriptor, min(count, 1 << 20))
        if not part:
            raise EOFError("the other side closed the connection")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def read_frame(descriptor: int) -> tuple[dict, bytes]:
    """The next frame from a *trusted* writer."""
    header_length, payload_length = FRAME.unpack(read_exactly(descriptor, FRAME.size))
    return json.loads(read_exactly(descriptor, header_length)), read_exactly(
        descriptor, payload_length
    )


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
