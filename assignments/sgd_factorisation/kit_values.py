"""What a function returned, made plain: as it arrives at the grader's checks, over the line.

Numbers, text, tensors, and lists of them. Of anything else only the name of its kind arrives.
"""

from __future__ import annotations

from typing import Any

import numpy
import torch

SHORT = 16  # in longer lists numbers arrive as floats, and little of what is none
DEEP = 4
TEXT = 300
REAL = {torch.float64, torch.float32, torch.float16, torch.bfloat16}
ELSEWHERE = {"cuda", "mps", "xpu"}  # what a tensor of it holds is copied: the grader has none
WHOLE = {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool}


class Opaque:
    """A value of a kind that no check looks into; its class has the name of that kind."""

    def __str__(self) -> str:
        return type(self).__name__


def printable(text: str) -> str:
    """Text without control characters, cut to a length."""
    return "".join(filter(str.isprintable, text[:TEXT]))


class TooDeep(Exception):
    """Lists in lists in lists."""


def plain(value: Any, depth: int = 0) -> Any:
    """A result as it arrives at the grader's checks: numbers, text, tensors, and lists of them."""
    if depth > DEEP:
        raise TooDeep
    if isinstance(value, torch.Tensor):
        return plain_tensor(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | numpy.integer):
        return int(value) if abs(int(value)) < 1 << 63 else opaque("int")
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, numpy.bool_):
        return bool(value)
    if isinstance(value, tuple | list):
        return plain_sequence(value, depth)
    number = as_float(value)
    return opaque(kind_of(value)) if number is None else number


def kind_of(value: Any) -> str:
    """The name of a value's type, with its module where it is no built-in."""
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return name.removeprefix("builtins.")[:80]


def plain_tensor(value: torch.Tensor) -> Any:
    if value.device.type in ELSEWHERE:
        value = value.detach().cpu()
    if value.layout is not torch.strided or value.device.type != "cpu" or value.is_quantized:
        return opaque(f"torch.Tensor (layout {value.layout}, device {value.device.type})")
    if value.dtype not in REAL | WHOLE:
        return opaque(f"Tensor of {str(value.dtype).removeprefix('torch.')}")
    plainer = value.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg()
    return plainer.clone(memory_format=torch.contiguous_format)


def plain_sequence(value: Any, depth: int) -> Any:
    """A list or tuple; of what is no number in a long one, the first few arrive, then kinds."""
    values: list[Any] = []
    odd = 0
    for item in value:
        number = as_float(item) if len(value) > SHORT else None
        if number is None:
            odd += 1
            number = plain(item, depth + 1) if odd <= SHORT else opaque(kind_of(item))
        values.append(number)
    return tuple(values) if isinstance(value, tuple) else values


def as_float(item: Any) -> float | None:
    """A number as a float: Python's, NumPy's, a 0-d array or tensor; None for anything else."""
    if isinstance(item, torch.Tensor):
        usable = item.ndim == 0 and item.layout is torch.strided and not item.is_complex()
    else:
        usable = hasattr(type(item), "__float__") and getattr(item, "ndim", 0) == 0
    if not usable:
        return None
    try:
        return float(item.detach() if isinstance(item, torch.Tensor) else item)
    except Exception:  # it only looks like one
        return None


def opaque(kind: str) -> Any:
    """Stands for a value of some kind, by name, in `isinstance` and in messages."""
    return type(kind, (Opaque,), {})()
