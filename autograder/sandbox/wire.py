"""What crosses the line between the grader and student code, seen from the trusted side.

A frame is two big-endian 32-bit lengths, a JSON header and a safetensors payload
(`inside/__init__.py` tells what is in them). Nothing here is unpickled or evaluated: JSON and
safetensors are data. Both lengths are bounded before a byte is read, the header is validated before
the payload is looked at, and what comes out are plain values and plain CPU tensors.
"""

from __future__ import annotations

import json
import math
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch

from autograder.errors import SandboxLost, WireError
from autograder.sandbox.inside.frames import FRAME, pack, payload_of

MAX_DEPTH = 4
MAX_NODES = 4096
MAX_TEXT = 400
MAX_NAME = 60  # of a type
MAX_FLOATS = 1 << 20  # numbers that become Python's own
MAX_DIMENSIONS = 64  # of a tensor: what torch's own functions take
MAX_EMPTY = 1 << 16  # rows of a tensor that has no number in it, of whatever shape
MAX_TENSOR_HEADER = 1 << 17  # bytes of safetensors that say which tensors there are
REAL = {torch.float64, torch.float32, torch.float16, torch.bfloat16}
WHOLE = {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool}


@dataclass(frozen=True, eq=False)
class Opaque:
    """A value that does not cross the line; only the name of its type does.

    `Opaque.of` makes one whose class is called as that type is: `type(value).__name__`, which
    checks say, is then no name of ours.
    """

    type_name: str

    def __str__(self) -> str:
        return self.type_name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and self.type_name == other.type_name

    def __hash__(self) -> int:
        return hash(self.type_name)

    @staticmethod
    def of(type_name: str) -> Opaque:
        """An opaque value of a class with the last part of that name."""
        last = type_name.rpartition(".")[2]
        return type(last or "object", (Opaque,), {})(type_name)


@dataclass(frozen=True)
class TorchFunction:
    """A torch function as an argument: `TorchFunction("sin")` arrives as `torch.sin`."""

    name: str

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return getattr(torch, self.name)(x)


def encode_value(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The tree of an argument; its tensors go into `tensors` under the keys that the tree names."""
    if isinstance(value, torch.Tensor):
        key = str(len(tensors))
        tensors[key] = value.detach().clone(memory_format=torch.contiguous_format)
        return {"tensor": key}
    if isinstance(value, TorchFunction):
        return {"function": value.name}
    name = getattr(value, "__name__", "")
    if callable(value) and getattr(torch, name, None) is value:
        return {"function": name}
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {"items": [encode_value(item, tensors) for item in value], "type": kind}
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(
        f"a check passed a {type(value).__name__}; "
        "only tensors, numbers, strings, lists and TorchFunction cross the line"
    )


def printable(text: Any, length: int = MAX_TEXT) -> str:
    """Text of a submission's without control, format or unpaired characters, cut to a length; ""
    where it is none.
    """
    return "".join(filter(str.isprintable, text[:length])) if isinstance(text, str) else ""


def type_name(text: Any) -> str:
    """The name of a type as a submission tells it, cut to a length and to plain characters."""
    return re.sub(r"[^A-Za-z0-9_., ()<>]", "", text[:MAX_NAME]) if isinstance(text, str) else ""


class Decoder:
    """Makes the values of one reply from its trees; all of them together share one bound on how
    much is built. Each tensor is named once.
    """

    def __init__(self, tensors: dict[str, torch.Tensor]) -> None:
        self.tensors, self.nodes, self.floats = dict(tensors), 0, 0

    def decode(self, tree: Any, depth: int = 0) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise WireError("a reply nested too deep")
        if tree is None or isinstance(tree, bool):
            return tree
        if isinstance(tree, int):
            return tree if abs(tree) < 1 << 63 else Opaque.of("int")
        if isinstance(tree, str):
            return printable(tree)
        if not isinstance(tree, dict):
            raise WireError("a reply with a value of no known kind")
        if "tensor" in tree:
            return self._tensor(tree["tensor"])
        if "floats" in tree:
            return self._numbers(tree, depth)
        if "float" in tree:
            return self._float(tree["float"])
        if "items" in tree:
            return self._sequence(tree, depth)
        if "other" in tree:
            return Opaque.of(type_name(tree["other"]))
        raise WireError("a reply with a value of no known kind")

    def _tensor(self, key: Any) -> Any:
        tensor = self.tensors.pop(key, None) if isinstance(key, str) else None
        if tensor is None:
            raise WireError("a reply that names a tensor it does not carry, or one again")
        if tensor.ndim > MAX_DIMENSIONS:
            raise WireError("a reply with a tensor of too many dimensions")
        if tensor.numel() == 0 and math.prod(max(1, size) for size in tensor.shape) > MAX_EMPTY:
            raise WireError("a reply with a tensor of nothing, many times over")
        if tensor.dtype not in REAL | WHOLE:
            return Opaque.of(f"Tensor of {str(tensor.dtype).removeprefix('torch.')}")
        return tensor

    def _floats(self, key: Any) -> list:
        packed = self._tensor(key)
        plain = isinstance(packed, torch.Tensor) and packed.dtype is torch.float64
        if not plain or packed.ndim != 1:
            raise WireError("a reply with a list of numbers that is none")
        self.floats += packed.numel()
        if self.floats > MAX_FLOATS:
            raise WireError("a reply with too many numbers in lists")
        return packed.tolist()

    def _numbers(self, tree: dict, depth: int) -> Any:
        """A long sequence: numbers, and in places what is none."""
        values: list[Any] = self._floats(tree["floats"])
        for name in ("odd", "more"):
            for place, item in self._places(tree.get(name, []), len(values)):
                other = item if name == "odd" else {"other": item}
                values[place] = self.decode(other, depth + 1)
        return tuple(values) if tree.get("type") == "tuple" else values

    def _places(self, pairs: Any, length: int) -> Iterator[tuple[int, Any]]:
        for pair in pairs if isinstance(pairs, list) else [None]:
            if not (isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int):
                raise WireError("a reply with a place that is none")
            if not 0 <= pair[0] < length:
                raise WireError("a reply with a place outside its list")
            yield pair[0], pair[1]

    def _float(self, text: Any) -> float:
        try:
            return float(text[:40] if isinstance(text, str) else "no text")
        except ValueError as error:
            raise WireError("a reply with a number that is none") from error

    def _sequence(self, tree: dict, depth: int) -> Any:
        items = tree["items"]
        if not isinstance(items, list):
            raise WireError("a reply with a list that is none")
        kind = "tuple" if tree.get("type") == "tuple" else "list"
        values = [self.decode(item, depth + 1) for item in items]
        return tuple(values) if kind == "tuple" else values


def load_tensors(payload: bytes) -> dict[str, torch.Tensor]:
    """The tensors of a payload; WireError where it is not safetensors."""
    if not payload:
        return {}
    if int.from_bytes(payload[:8], "little") > MAX_TENSOR_HEADER:
        raise WireError("a reply with too many tensors")
    try:
        return safetensors.torch.load(payload)
    except (
        Exception
    ) as error:  # the library's own errors, and torch's for dtypes that this version lacks
        raise WireError(
            f"a reply whose payload is not safetensors ({type(error).__name__})"
        ) from error


def send(
    connection: socket.socket, header: dict, tensors: dict[str, torch.Tensor], seconds: float
) -> None:
    """Write one frame within `seconds`; SandboxLost where the other side is gone."""
    payload = payload_of(tensors) if tensors else b""
    connection.settimeout(seconds)
    try:
        connection.sendall(pack(header, payload))
    except OSError as error:
        raise SandboxLost(f"the sandbox went away ({error or type(error).__name__})") from error


def receive(
    connection: socket.socket, seconds: float, header_bytes: int, reply_bytes: int
) -> tuple[dict, bytes]:
    """Read one frame within `seconds` and within the two bounds.

    SandboxLost where there is none, since the supervisor keeps to them; WireError where there is
    one that says nothing.
    """
    deadline = time.monotonic() + seconds
    data = bytearray()
    _read(connection, data, FRAME.size, deadline)
    header_length, payload_length = FRAME.unpack_from(data)
    if header_length > header_bytes or payload_length > reply_bytes:
        raise SandboxLost(
            f"the sandbox sent {header_length} and {payload_length} bytes, over the bounds"
        )
    begin = FRAME.size + header_length
    _read(connection, data, begin + payload_length, deadline)
    text, payload = data[FRAME.size : begin], bytes(data[begin : begin + payload_length])
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WireError("a reply whose header is not JSON") from error
    if not isinstance(header, dict) or not isinstance(header.get("outcome"), str):
        raise WireError("a reply whose header has no outcome")
    return header, payload


def _read(connection: socket.socket, data: bytearray, count: int, deadline: float) -> None:
    """Read until there are `count` bytes of `data`. What comes along is the rest of the same frame:
    the next one is sent when it is asked for.
    """
    while len(data) < count:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            part = connection.recv(min(max(count - len(data), 1 << 14), 1 << 20))
        except OSError as error:
            raise SandboxLost(
                f"the sandbox did not answer ({error or type(error).__name__})"
            ) from error
        if not part:
            raise SandboxLost("the sandbox closed the connection")
        data += part
