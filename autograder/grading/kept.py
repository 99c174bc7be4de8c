"""What known programs answered to calls, kept with the course: one file a program, shared by all
workers and later runs.

    course/results/<assignment>/known/<program>-<digest>.replies

A file is a row of frames as they cross the line (`sandbox.wire`): JSON and tensors, read as
carefully. Calls are there by their fingerprints alone, arguments that a call has left as they were
not at all: inputs of hidden checks are nothing to keep. It is written whole. Where two processes
write at once, the later one decides, and what is lost is asked again: nothing but time depends on
what is kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from autograder.assignment import ENGINE, Assignment, Overlay
from autograder.course import write_whole
from autograder.errors import WireError
from autograder.grading.place import replies_folder
from autograder.sandbox.box import Reply, read_reply
from autograder.sandbox.inside.frames import FRAME, pack
from autograder.sandbox.wire import Opaque, encode_value

log = logging.getLogger(__name__)
MOST_KEPT = 600  # replies of a program, the latest; a few kilobytes each
MOST_BYTES = 1 << 18  # of a reply's tensors: larger ones are asked again
MOST_READ = 2000  # that a process remembers, as values
LONG = 16  # a longer list of numbers is one tensor
ENDS = ("returned", "raised")  # what broke a limit may not do so on an idle machine
Frame = tuple[dict, bytes]


def file_of(assignment: Assignment, program: Overlay | None) -> Path:
    """The file of a program (None: the solution); its name changes with anything that it answers
    by.
    """
    files = [assignment.solution, *([program.path] if program is not None else [])]
    files += sorted((ENGINE / "sandbox" / "inside").glob("*.py"))
    made = hashlib.sha256(f"{version('torch')} {version('numpy')}".encode())
    for file in files:
        made.update(hashlib.sha256(file.read_bytes()).digest())
    name = re.sub(r"\W", "_", program.name) if program is not None else "solution"
    return replies_folder(assignment) / f"{name}-{made.hexdigest()[:16]}.replies"


class Kept:
    """The replies of one program."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._frames: dict[str, Frame] = {}
        self._read: OrderedDict[str, Reply] = OrderedDict()
        self._new: dict[str, Frame] = {}
        self._seen: tuple[int, int] | None = None  # the file as it was read last

    def recall(self, key: str, given: tuple) -> Reply | None:
        """The reply to a call with the arguments `given`, if it is known."""
        if key in self._read:
            return self._read[key]
        if key not in self._frames and self._has_changed():
            self._frames = frames(self.file)
        if key not in self._frames:
            return None
        try:
            reply = reply_of(self._frames[key], given)
        except (WireError, KeyError, TypeError, ValueError, IndexError):
            return None
        self._note(key, reply)
        return reply

    def remember(self, key: str, given: tuple, reply: Reply, *, kept: bool = True) -> None:
        """Note a reply. kept: whether `save` writes it"""
        if reply.outcome not in ENDS:
            return
        self._note(key, reply)
        if kept and size_of(reply) <= MOST_BYTES:
            with suppress(TypeError, ValueError, RecursionError):
                self._new[key] = frame_of(key, given, reply)

    def _note(self, key: str, reply: Reply) -> None:
        self._read[key] = reply
        if len(self._read) > MOST_READ:
            self._read.popitem(last=False)

    def save(self) -> None:
        """Write what is new, beside what others have written since; a full disk costs time
        alone.
        """
        if not self._new:
            return
        found = frames(self.file) | self._new
        self._new.clear()
        self._frames = dict(list(found.items())[-MOST_KEPT:])
        with suppress(OSError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = self.file.name[: -len("-0123456789abcdef.replies")]
            for other in self.file.parent.glob(f"{name}-{'?' * 16}.replies"):
                if other != self.file:  # of a program that is no more
                    other.unlink(missing_ok=True)
            write_whole(self.file, b"".join(pack(*frame) for frame in self._frames.values()))
        self._has_changed()

    def _has_changed(self) -> bool:
        before = self._seen
        with suppress(OSError):
            found = self.file.stat()
            self._seen = (found.st_ino, found.st_mtime_ns)
        return self._seen != before


def frames(file: Path) -> dict[str, Frame]:
    """The frames of a file by their keys, as far as they can be read."""
    found: dict[str, Frame] = {}
    try:
        data = file.read_bytes()
    except OSError:
        return found
    place = 0
    try:
        while place < len(data):
            header_length, payload_length = FRAME.unpack_from(data, place)
            middle = place + FRAME.size + header_length
            header = json.loads(data[place + FRAME.size : middle])
            place = middle + payload_length
            if place > len(data) or header["outcome"] not in ENDS:
                raise ValueError("cut short")
            found[str(header["key"])] = (header, data[middle:place])
    except Exception as error:  # whatever may have happened to it
        log.warning("%s is damaged (%s): what is missing is asked again", file, error)
    return found


def frame_of(key: str, given: tuple, reply: Reply) -> Frame:
    """A reply as a frame that `reply_of` reads."""
    tensors: dict[str, torch.Tensor] = {}
    header = {name: reply.header[name] for name in ("type", "message") if name in reply.header}
    header |= {"key": key, "outcome": reply.outcome, "value": encoded(reply.value, tensors)}
    header["given"] = [
        place
        for place, (one, other) in enumerate(zip(reply.arguments, given, strict=False))
        if is_as_given(one, other)
    ]
    changed = [
        None if place in header["given"] else encoded(value, tensors)
        for place, value in enumerate(reply.arguments)
    ]
    header["arguments"] = changed
    header["gradients"] = [encoded(value, tensors) for value in reply.gradients]
    return header, safetensors.torch.save(tensors) if tensors else b""


def reply_of(frame: Frame, given: tuple) -> Reply:
    """The reply that a frame holds."""
    reply = read_reply(*frame)
    arguments = list(reply.arguments)
    for place in frame[0]["given"]:
        arguments[place] = given[place]
    return replace(reply, arguments=tuple(arguments))


def is_as_given(after: Any, before: Any) -> bool:
    """Whether an argument is a tensor that a call has left as it was, to the bit."""
    both = isinstance(after, torch.Tensor) and isinstance(before, torch.Tensor)
    if not both or after.dtype != before.dtype or after.shape != before.shape:
        return False
    one, other = (value.detach().contiguous().numpy().tobytes() for value in (after, before))
    return bool(one == other)


def encoded(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """A value of a reply as the tree that it came from."""
    if isinstance(value, Opaque):
        return {"other": value.type_name}
    if isinstance(value, tuple | list):
        kind = "tuple" if isinstance(value, tuple) else "list"
        if len(value) > LONG and all(type(item) is float for item in value):
            key = str(len(tensors))
            tensors[key] = torch.tensor(value, dtype=torch.float64)
            return {"floats": key, "type": kind}
        return {"items": [encoded(item, tensors) for item in value], "type": kind}
    return encode_value(value, tensors)


def size_of(value: Any) -> int:
    """Bytes of the numbers in a reply, or in a part of one."""
    if isinstance(value, Reply):
        return size_of((value.value, value.arguments, value.gradients))
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, tuple | list):
        return sum(map(size_of, value))
    return 8
