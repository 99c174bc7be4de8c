"""A reply as a few numbers, so that thousands of programs are compared with a submission at once.

A sketch has two hashes, of all that must be equal (outcome, kinds, shapes, where a value has
diverged), strictly and loosely, and `NUMBERS` sums of the reply's values with signs that are the
same for everybody. Replies that are `same` have close sketches; that others have is as improbable
as `NUMBERS` coincidences. No value can be read back from a sketch of more than `NUMBERS` of them.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy
import torch

from autograder.grading.alike import DIVERGED, TOLERANCE, loose
from autograder.sandbox.box import Reply

NUMBERS = 6
# of a sum: values, each relative to the size of its tensor, differ by up to TOLERANCE
CLOSE = 2 * TOLERANCE
LEAST = 1e-3  # size of a tensor below which differences are absolute


class Sketch(NamedTuple):
    """Two hashes, and `NUMBERS` sums as float32."""

    strict: int
    loose: int
    numbers: numpy.ndarray


def sketch(reply: Reply) -> Sketch:
    """The sketch of a reply."""
    strict = _taken_apart(reply)[0]
    tied, values = _taken_apart(loose(reply))  # numbers are the same, whatever holds them
    signs = _signs(1 << max(6, (len(values) - 1).bit_length()))[: len(values)]
    return Sketch(_hash(strict), _hash(tied), (values @ signs).astype(numpy.float32))


def _taken_apart(reply: Reply) -> tuple[list[Any], numpy.ndarray]:
    """What must be equal, and the numbers, each relative to the size of its tensor."""
    if reply.outcome != "returned":
        return [reply.outcome, reply.header.get("type")], numpy.zeros(1)
    form: list[Any] = []
    values: list[numpy.ndarray] = [numpy.zeros(1)]
    for part in (reply.value, reply.gradients, reply.arguments):
        _take(part, form, values)
    return form, numpy.concatenate(values)


def _take(value: Any, form: list[Any], values: list[numpy.ndarray]) -> None:
    if isinstance(value, tuple | list):
        form.append(len(value))
        plain = all(isinstance(item, float | int) for item in value)
        if plain and len(value) > 1:  # a history: one part, and not thousands
            form.append("numbers")
            _take_numbers(numpy.array([float(item) for item in value]), form, values)
            return
        for item in value:
            _take(item, form, values)
    elif isinstance(value, torch.Tensor):
        form.append(tuple(value.shape))
        _take_numbers(value.detach().to(torch.float64).numpy().ravel(), form, values)
    elif isinstance(value, float | int):
        form.append("number")
        _take_numbers(numpy.array([float(value)]), form, values)
    else:
        form.append(repr(value)[:80])


def _take_numbers(numbers: numpy.ndarray, form: list[Any], values: list[numpy.ndarray]) -> None:
    with numpy.errstate(invalid="ignore"):
        settled = numpy.abs(numbers) < DIVERGED
    if not settled.all():
        form.append(numpy.packbits(settled).tobytes())
        numbers = numpy.where(settled, numbers, 0.0)
    size = float(numpy.abs(numbers).max()) if numbers.size else 0.0
    scale = max(size, LEAST)
    values += [numbers / scale, numpy.array([math.log(scale)])]


def _hash(form: list[Any]) -> int:
    digest = hashlib.blake2b(repr(form).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


@cache
def _signs(count: int) -> numpy.ndarray:
    """±1 for each of `count` values and each of the sums; the first rows are always the same."""
    rows = numpy.random.Generator(numpy.random.PCG64(7)).integers(0, 2, (1 << 16, NUMBERS))
    if count > len(rows):
        rows = numpy.resize(rows, (count, NUMBERS))
    return 2.0 * rows[:count] - 1.0


def bare(reply: Reply) -> Reply:
    """A reply without the lists of numbers (histories) among its results."""
    if not isinstance(reply.value, tuple | list):
        return reply
    rest = tuple(item for item in reply.value if not isinstance(item, tuple | list))
    return replace(reply, value=rest)


class Sketches(NamedTuple):
    """Many sketches as arrays: [..., 2] hashes, strict and loose, and [..., NUMBERS] sums."""

    hashes: numpy.ndarray
    numbers: numpy.ndarray

    @classmethod
    def of(cls, replies: list[Reply]) -> Sketches:
        """Those of one function's replies to a ladder, [rungs, ...]."""
        made = [sketch(reply) for reply in replies]
        hashes = numpy.array([[one.strict, one.loose] for one in made], dtype=numpy.int64)
        numbers = numpy.array([one.numbers for one in made], dtype=numpy.float32)
        return cls(hashes.reshape(-1, 2), numbers.reshape(-1, NUMBERS))

    def alike(self, other: Sketches, *, loosely: bool = True) -> numpy.ndarray:
        """Where the sketches of both are of replies that are the same; arrays broadcast."""
        kind = 1 if loosely else 0
        equal = self.hashes[..., kind] == other.hashes[..., kind]
        return equal & (numpy.abs(self.numbers - other.numbers) <= CLOSE).all(-1)
