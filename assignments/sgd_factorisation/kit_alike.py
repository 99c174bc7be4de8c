"""Whether two replies tell the same story: the comparison of every diagnosis.

Students receive this file with their kit, as kit_alike.py: it uses torch alone. A reply is whatever
has an outcome, a header, a value, arguments and gradients.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch

# relative to the size of the values; rules differ by far more within the epochs that checks run
TOLERANCE = 1e-4
# checks give values near 1; from here to NaN, what a diverging run returns is a matter of rounding
DIVERGED = 1e8


def same(one: Any, other: Any) -> bool:
    """Whether two replies tell the same story."""
    if one.outcome != other.outcome:
        return False
    if one.outcome != "returned":
        return one.header.get("type") == other.header.get("type")
    return (
        alike(one.value, other.value)
        and alike(one.gradients, other.gradients)
        and alike(one.arguments, other.arguments)
    )


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal: within `TOLERANCE` for numbers, all that has diverged alike,
    lists equal to tuples.
    """
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if one.shape != other.shape:
            return False
        a, b = settled(one), settled(other)
        scale = float(b.abs().nan_to_num(0.0).max()) if b.numel() else 0.0
        return bool(
            torch.allclose(a, b, rtol=0.0, atol=TOLERANCE * max(scale, 1e-3), equal_nan=True)
        )
    if isinstance(one, float | int) and isinstance(other, float | int):
        if not (abs(one) < DIVERGED and abs(other) < DIVERGED):
            return not abs(one) < DIVERGED and not abs(other) < DIVERGED
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE * 1e-3)
    # what did not cross the line is of a class of its own, which has the name of what it stands for
    return bool(type(one).__name__ == type(other).__name__ and one == other)


def settled(tensor: torch.Tensor) -> torch.Tensor:
    """float64, with NaN for everything that has diverged."""
    value = tensor.to(torch.float64)
    return torch.where(value.abs() < DIVERGED, value, torch.nan)


def words(reply: Any) -> object:
    """What an exception said."""
    return reply.header.get("message")


def loose(reply: Any) -> Any:
    """A reply with a Python number for every tensor of one element."""
    return replace(reply, value=numbers(reply.value))


def numbers(value: Any) -> Any:
    """`value` with a Python number for every tensor of one element."""
    if isinstance(value, tuple | list):
        return [numbers(item) for item in value]
    return float(value) if isinstance(value, torch.Tensor) and value.numel() == 1 else value


def form(reply: Any) -> object:
    """What of a reply does not depend on where it started: its outcome, its kinds, its shapes."""
    if reply.outcome != "returned":
        return reply.outcome, reply.header.get("type")
    return "returned", *map(form_of, (reply.value, reply.gradients, reply.arguments))


def form_of(value: Any) -> object:
    """The lengths and shapes in a value; a number, and a tensor of one, is a number."""
    if isinstance(value, tuple | list):
        forms = tuple(map(form_of, value))
        return len(forms) if set(forms) == {"number"} else forms
    if isinstance(value, torch.Tensor):
        return tuple(value.shape) if value.numel() != 1 else "number"
    return "number" if isinstance(value, float | int) else "other"
