"""The grader's end of the sandbox: one warm process for a run, one box for a submission.

    with Sandbox.start("sandbox") as sandbox:          # 2 to 4 s, once
        with sandbox.open(Limits()) as box:            # about 10 ms
            box.load(units, ["sgd_factorise"])
            reply = box.call("sgd_factorise", (A, 2), {"num_epochs": 1}, seed=7)

A sandbox may be shared by forked worker processes: a box is asked for with one atomic message on
the control socket, and everything else passes over the box's own socket.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import torch

from autograder.errors import SandboxLost, SandboxUnavailable, WireError
from autograder.limits import Limits
from autograder.sandbox import bubblewrap, seccomp, wire
from autograder.sandbox.cgroup import Group, Groups
from autograder.sandbox.inside.meter import CROWDED

INSIDE = Path(__file__).with_name("inside")
BOOT_SECONDS = 120.0
CLOCKS = ("", "computed", "slept", "crowded")  # what may end a request; the later is the worse
GRACE_SECONDS = 10.0  # for the supervisor to report a breach; past it the box is lost


@dataclass(frozen=True)
class Reply:
    """What came back for one request: an `outcome`, and for a returned call its values as plain
    Python and tensors.
    """

    outcome: str
    header: dict
    value: Any = None
    arguments: tuple = ()
    gradients: tuple = ()
    size: int = 0  # bytes of tensors that it carried

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


def read_reply(header: dict, payload: bytes) -> Reply:
    """A reply from its frame; WireError where its trees or tensors are none."""
    decoder = wire.Decoder(wire.load_tensors(payload))
    lists = [header.get(name, []) for name in ("arguments", "gradients")]
    if not all(isinstance(trees, list) for trees in lists):
        raise WireError("a reply whose lists are none")
    value = decoder.decode(header.get("value"))
    after, gradients = (tuple(decoder.decode(tree) for tree in trees) for trees in lists)
    return Reply(header["outcome"], header, value, after, gradients, len(payload))


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
        after = tuple(decoder.decode(tree) for tree in arguments)
        replies.append(Reply(one["outcome"], one, decoder.decode(one.get("value")), after))
    return replies


def archive() -> IO[bytes]:
    """The folder `inside` as a zip archive: all of the project that the sandbox sees."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asked for it closes it
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(INSIDE.glob("*.py")):
            archive.write(path, f"inside/{path.name}")
    file.seek(0)
    return file


@dataclass
class Process:
    """A started zygote, its control socket and what it printed."""

    popen: subprocess.Popen[bytes]
    control: socket.socket
    printed: IO[bytes]
    starter: int = field(
        default_factory=os.getpid
    )  # forks of the grader share the process, and must not end it

    @classmethod
    def launch(cls, mode: str, program: bytes, tmp_bytes: int | None = None) -> Process:
        """Start a zygote: "nested" or "single" behind bubblewrap, "none" without a wall.

        program: the system-call filter
        tmp_bytes: the size of /tmp, for "single"
        """
        if mode != "none":
            bubblewrap.find_bubblewrap()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        with theirs, archive() as inside, ExitStack() as opened:
            descriptors = [theirs.fileno(), inside.fileno()]
            environment = dict(os.environ)
            proc = None
            if mode == "none":
                words = bubblewrap.zygote(sys.executable, str(INSIDE.parent), theirs.fileno())
                environment |= bubblewrap.environment()
            else:
                words = bubblewrap.command(*descriptors, tmp_bytes=tmp_bytes)
            if mode == "single":  # there is no /proc inside, where the box could not hide it
                proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
                opened.callback(os.close, proc)
                descriptors.append(proc)
            popen = subprocess.Popen(
                words,
                env=environment,
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
            )
        configuration = {
            "uid": bubblewrap.NOBODY if mode != "none" and bubblewrap.runs_as_root() else None,
            "mode": mode,
            "proc": proc,
            "seccomp": base64.b64encode(program).decode(),
        }
        with suppress(OSError):  # where it ended already, `ready` tells why
            ours.send(json.dumps(configuration).encode())
        return cls(popen, ours, printed)

    def ready(self) -> dict:
        """What the process says once it has booted; SandboxUnavailable, with its last words, where
        it does not.
        """
        self.control.settimeout(BOOT_SECONDS)
        try:
            message = json.loads(self.control.recv(1 << 16) or b"{}")
        except (OSError, ValueError):
            message = {}
        if not message.get("ready"):
            self.stop()
            self.printed.seek(0)
            last_words = self.printed.read().decode(errors="replace")
            self.end()
            raise SandboxUnavailable(bubblewrap.explain_failure(last_words))
        self.control.settimeout(None)
        return message

    def stop(self) -> None:
        """End the process and everything that it started; in a fork of the grader that started it,
        only let go of it.
        """
        self.control.close()
        if os.getpid() == self.starter:
            self.popen.kill()
            self.popen.wait()

    def end(self) -> None:
        """Stop, and forget what was printed."""
        self.stop()
        self.printed.close()


class Sandbox:
    """A warm process behind a wall, ready to open boxes.

    isolation: "sandbox" or "none"
    walls: what stands between a submission and the machine, and who counts what it uses: "cgroup",
        the kernel, or "census", its supervisor
    nested: whether boxes are namespaces inside the warm process's (quick), or a sandbox each (slow:
        a boot for every submission, for
        machines that let bubblewrap make namespaces but not what runs in it)
    """

    def __init__(
        self,
        process: Process | None,
        isolation: str,
        program: bytes,
        nested: bool,
        groups: Groups | None = None,
    ) -> None:
        self._process, self._program, self._groups = process, program, groups
        self.isolation, self.nested = isolation, nested
        walls = ("bubblewrap", *(("seccomp",) if program else ()))
        counted = "cgroup" if groups is not None else "census"
        self.walls = (*walls, counted) if isolation == "sandbox" else ()

    @classmethod
    def start(cls, isolation: str = "sandbox", *, nested: bool = True) -> Sandbox:
        """Start the warm process and wait until it is ready.

        isolation: "sandbox", or "none" for one's own code
        Raises SandboxUnavailable, saying what to install, where this machine cannot.
        """
        return cls.begin(isolation, nested=nested).ready()

    @classmethod
    def begin(cls, isolation: str = "sandbox", *, nested: bool = True) -> Starting:
        """As `start`, without waiting: there is something else to be done meanwhile."""
        if isolation == "none":
            return Starting(Process.launch("none", b""), isolation, b"")
        program = seccomp.build_filter()
        process = Process.launch("nested", program) if nested else None
        return Starting(process, isolation, program)

    def open(self, limits: Limits) -> Box:
        """A box for one submission."""
        process, own = self._process, None
        if process is None:
            process = own = Process.launch("single", self._program, limits.tmp_bytes)
            process.ready()
        ours, theirs = socket.socketpair()
        message = limits.message()
        directory = None
        if self.isolation == "none":
            directory = tempfile.TemporaryDirectory(prefix="autograder-")
            message |= {"directory": directory.name, "processes": None}
        group = self._groups.make(limits) if self._groups is not None else None
        descriptors = [theirs.fileno(), *(group.descriptors if group is not None else ())]
        with theirs:
            try:
                socket.send_fds(process.control, [json.dumps(message).encode()], descriptors)
            except OSError as error:
                ours.close()
                raise SandboxLost(f"the sandbox is gone ({error})") from error
        if group is not None:
            group.let_go()
        return Box(ours, limits, directory, own, group, self._groups)

    def is_counted(self) -> bool:
        """Whether what `walls` says about counting is so: tried, where it is the kernel."""
        if self._groups is None:
            return True
        with self.open(Limits()) as box:
            loaded = box.load([], []).outcome == "loaded"
            counted = box.group is not None and box.group.cpu_used() > 0
        if not (loaded and counted):
            self._groups.close()
        return loaded and counted

    @property
    def running(self) -> bool:
        """Whether its warm process still runs, as far as there is one."""
        return self._process is None or self._process.popen.poll() is None

    @property
    def pid(self) -> int | None:
        """The process that holds the sandbox; its descendants are everything in it."""
        return self._process.popen.pid if self._process is not None else None

    def close(self) -> None:
        """End the warm process and every box; in a fork of the process that started it, only let go
        of it.
        """
        if self._process is not None:
            self._process.end()
        if self._groups is not None:
            self._groups.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Starting:
    """A sandbox whose warm process boots. process: None where every box is to have its own"""

    process: Process | None
    isolation: str
    program: bytes

    def ready(self) -> Sandbox:
        """The sandbox, once it is warm; SandboxUnavailable where it does not come to that."""
        process, isolation, program = self.process, self.isolation, self.program
        if isolation == "none":
            assert process is not None
            process.ready()
            return Sandbox(process, isolation, program, nested=True)
        groups = Groups.find()
        if process is not None:
            if process.ready()["nested"]:
                started = Sandbox(process, isolation, program, nested=True, groups=groups)
                return (
                    started if started.is_counted() else Sandbox(process, isolation, program, True)
                )
            process.end()
        return Sandbox(None, isolation, program, nested=False, groups=groups)

    def end(self) -> None:
        """Nobody waits for it."""
        if self.process is not None:
            self.process.end()


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
        return self._ask({"op": "load", "units": units, "names": names}, {}, seconds)

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
        return (3 * load + calls * call) * CROWDED + calls * call + GRACE_SECONDS

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
