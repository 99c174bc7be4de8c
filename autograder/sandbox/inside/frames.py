"""Frames: two big-endian 32-bit lengths, a JSON header of the first length, a safetensors payload
of the second.
"""

from __future__ import annotations

import json
import os
import struct

FRAME = struct.Struct("!II")
# a word before a call: its frame follows; or the process of the last call, which waits, shall end
CALL, END = b"+", b"-"


def pack(header: dict, payload: bytes = b"") -> bytes:
    """A frame."""
    return framed(json.dumps(header), payload)


def framed(text: str, payload: bytes = b"") -> bytes:
    """A frame whose header is written already, in ASCII."""
    return FRAME.pack(len(text), len(payload)) + text.encode() + payload


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
    data = read_exactly(descriptor, header_length + payload_length)
    return json.loads(data[:header_length]), data[header_length:]


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def payload_of(tensors: dict) -> bytes:
    """The tensors in safetensors' format. By way of numpy where it has their types: that costs half
    as much, in a fresh fork above all.
    """
    import safetensors.numpy
    import safetensors.torch
    import torch

    if any(
        tensor.dtype not in (torch.float32, torch.float64, torch.int64, torch.bool)
        for tensor in tensors.values()
    ):
        return safetensors.torch.save(tensors)
    return safetensors.numpy.save({key: tensor.numpy() for key, tensor in tensors.items()})
