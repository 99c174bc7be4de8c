"""One submission's box behind the line, and what it replies: opened by a `Sandbox` (process.py)."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from autograder.errors import WireError
from autograder.limits import Limits
from autograder.sandbox import wire
from autograder.sandbox.cgroup import Group, Groups
from autograder.sandbox.inside.meter import CROWDED

if TYPE_CHECKING:
    from autograder.sandbox.process import Process

CLOCKS = ("", "computed", "slept", "crowded")  # what may end a request; the later is the worse
LOADED = ("outcome", "functions", "errors")  # what the reply to a loading tells
MOST_BASES = 8  # of an exception's class
GRACE_SECONDS = 10.0  # for the supervisor to report a breach; past it the box is lost


@dataclass(frozen=True)
class Reply:
    """What came back for one request: an `outcome`, and for a returned call its values as plain
    Python and tensors.

    header: what else was said (`said`), and of a loading what it tells
    size: bytes that it may take: of the tensors that its frame carried, and of all else
    """

    outcome: str
    header: dict
    value: Any = None
    arguments: tuple = ()
    gradients: tuple = ()
    size: int = 0

    @property
    def message(self) -> str:
        """One line about an outcome that is not a return, the exception's kind and place included;
        cut to a length.
        """
        kind, text, where = (
            wire.printable(self.header.get(name)) for name in ("type", "message", "where")
        )
        said = ": ".join(part for part in (kind, text) if part)
        return f"{said} ({where})" if where else said


def said(header: dict) -> dict:
    """The words in a header, cut to a length; what else a submission writes there is not kept."""
    told: dict[str, Any] = {
        name: header[name][: wire.MAX_TEXT]
        for name in ("type", "message", "where", "stub")
        if isinstance(header.get(name), str)
    }
    if isinstance(bases := header.get("bases"), list):
        told["bases"] = [wire.printable(base) for base in bases[:MOST_BASES]]
    return told


def loading(header: dict) -> dict:
    """What the header of the reply to a loading tells."""
    return said(header) | {name: header[name] for name in LOADED if name in header}


def read_reply(header: dict, payload: bytes) -> Reply:
    """A reply from its frame; WireError where its trees or tensors are none."""
    decoder = wire.Decoder(wire.load_tensors(payload))
    lists = [header.get(name, []) for name in ("arguments", "gradients")]
    if not all(isinstance(trees, list) for trees in lists):
        raise WireError("a reply whose lists are none")
    value = decoder.decode(header.get("value"))
    after, gradients = (tuple(decoder.decode(tree) for tree in trees) for trees in lists)
    size = len(payload) + wire.MAX_TEXT * decoder.nodes
    return Reply(header["outcome"], said(header), value, after, gradients, size)


def read_several(header: dict, payload: bytes, count: int) -> list[Reply]:
    """The replies in the frame that answers `count` calls at once; WireError where it holds no such
    thing.
    """
    told = header.get("several", []) if header["outcome"] == "returned" else []
    if not isinstance(told, list) or len(told) > count:
        raise WireError("an answer to several calls that is none")
    decoder, replies = wire.Decoder(wire.load_tensors(payload)), []
    for one in told:
        if not isinstance(one, dict) or one.get("outcome") not in ("returned", "raised"):
            break
        arguments = one.get("arguments", [])
        if not isinstance(arguments, list):
            raise WireError("a reply whose lists are none")
        nodes = decoder.nodes
        after = tuple(decoder.decode(tree) for tree in arguments)
        value = decoder.decode(one.get("value"))
        size = len(payload) + wire.MAX_TEXT * (decoder.nodes - nodes)
        replies.append(Reply(one["outcome"], said(one), value, after, (), size))
    return replies


@dataclass
class Box:
    """One submission behind the line."""

    connection: socket.socket
    limits: Limits
    directory: tempfile.TemporaryDirectory | None = None
    process: Process | None = None  # this box's own sandbox, where boxes are not nested
    group: Group | None = None  # what the kernel counts it in
    groups: Groups | None = None  # where it came from
    opened: float = field(default_factory=time.monotonic, init=False)
    cpu_seconds: float = field(
        default=0.0, init=False
    )  # of the submission's processes, read from outside them
    function_seconds: float = field(
        default=0.0, init=False
    )  # of its functions alone, by their own account: for benchmarks
    by_clock: str = field(default="", init=False)  # whether one ended a request: CLOCKS
    frame: tuple[dict, bytes] | None = field(
        default=None, init=False
    )  # that the last reply was read from, if it was one

    def load(self, units: list[dict], names: list[str]) -> Reply:
        """Run a submission's top level; the reply's header tells the functions it defined and what
        failed on the way.
        """
        seconds = self._patience(calls=0)
        reply = self._ask({"op": "load", "units": units, "names": names}, {}, seconds)
        return reply if self.frame is None else replace(reply, header=loading(self.frame[0]))

    def call(
        self,
        function: str,
        arguments: tuple,
        options: dict,
        *,
        seed: int,
        differentiate: bool = False,
        times: int = 1,
        draw: str = "",
        start: Sequence[torch.Tensor] = (),
        apart: bool = False,
    ) -> Reply:
        """Call a function of the submission on fresh copies of the arguments, in a process where no
        earlier call has left anything behind.

        times: how often, in that one process; the reply is that of the last call
        draw, start: while it runs, `draw`, as in "torch.rand", hands out these tensors
        apart: in a fresh process, whatever the last call left; else where nothing is noticed, the
            process of the last call makes this one
        """
        self.frame = None
        if time.monotonic() - self.opened > self.limits.submission_seconds:
            limit = f"{self.limits.submission_seconds:g} s"
            message = f"the whole submission was stopped after {limit}"
            self._note("slept")
            return Reply("timed_out", {"message": message})
        tensors: dict[str, torch.Tensor] = {}
        request = {
            "op": "call",
            "function": function,
            "arguments": [wire.encode_value(argument, tensors) for argument in arguments],
            "options": {
                name: wire.encode_value(option, tensors) for name, option in options.items()
            },
            "seed": seed,
            "differentiate": differentiate,
            "times": times,
            "draw": draw,
            "start": [wire.encode_value(tensor, tensors) for tensor in start],
            "apart": apart,
        }
        return self._ask(request, tensors, self._patience(calls=2))

    def calls(
        self,
        function: str,
        given: Sequence[tuple[tuple, dict, Sequence[torch.Tensor]]],
        *,
        seed: int,
        seconds: float,
        draw: str = "",
    ) -> list[Reply]:
        """Several calls of a function in one request and one process: how the first of them ended.
        That is a part of them, or none, where one left something behind or did not end.

        It costs a third of as many calls, which come one by one from processes that are looked at
        from outside: for what decides no point.

        given: arguments, options and start (see `call`) of each
        seconds: of CPU time for all
        """
        if time.monotonic() - self.opened > self.limits.submission_seconds:
            return []
        tensors: dict[str, torch.Tensor] = {}
        calls = []
        for arguments, options, start in given:
            one = {
                "arguments": [wire.encode_value(argument, tensors) for argument in arguments],
                "options": {n: wire.encode_value(option, tensors) for n, option in options.items()},
                "start": [wire.encode_value(tensor, tensors) for tensor in start],
            }
            calls.append(one)
        request = {
            "op": "call",
            "function": function,
            "calls": calls,
            "seed": seed,
            "seconds": seconds,
            "draw": draw,
            "apart": False,
        }
        try:
            header, payload = self._exchange(request, tensors, self._patience(calls=2))
            return read_several(header, payload, len(calls))
        except WireError:
            return []

    def _patience(self, calls: int) -> float:
        """The longest that the supervisor may need: three times to load, and `calls` times to hand
        a call over and to wait for its end.
        """
        load, call = self.limits.load_wall_seconds, self.limits.call_wall_seconds
        return (3 * load + calls * call) * CROWDED + GRACE_SECONDS

    def _note(self, by_clock: object) -> None:
        """Remember the worst that a clock did."""
        if by_clock in CLOCKS:
            self.by_clock = max(self.by_clock, str(by_clock), key=CLOCKS.index)

    def _ask(self, request: dict, tensors: dict[str, torch.Tensor], seconds: float) -> Reply:
        self.frame = None
        try:
            frame = self._exchange(request, tensors, seconds)
            reply = read_reply(*frame)
        except WireError as error:
            return Reply(
                "died", {"message": f"the process wrote something that is no answer: {error}"}
            )
        self.frame = frame
        return reply

    def _exchange(
        self, request: dict, tensors: dict[str, torch.Tensor], seconds: float
    ) -> tuple[dict, bytes]:
        """The frame that answers a request; WireError where it says nothing."""
        wire.send(self.connection, request, tensors, seconds)
        header, payload = wire.receive(
            self.connection, seconds, self.limits.header_bytes + 1024, self.limits.reply_bytes
        )
        used = header.get("cpu_seconds")
        self.cpu_seconds = used if isinstance(used, float) else self.cpu_seconds
        self._note(header.get("by_clock"))
        own = header.get("function_seconds")
        self.function_seconds += own if isinstance(own, float) else 0.0
        return header, payload

    def close(self) -> None:
        """End the box and everything in it."""
        self.connection.close()
        if self.process is not None:
            self.process.end()
        if self.directory is not None:
            self.directory.cleanup()
        if self.group is not None and self.groups is not None:
            self.groups.retire(self.group)

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
