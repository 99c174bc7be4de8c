"""The grader's end of the sandbox: one warm process for a run, one box for a submission.

    with Sandbox.start("sandbox") as sandbox:          # 4 to 6 s, once
        with sandbox.open(Limits()) as box:            # about 10 ms
            box.load(units, ["sgd_factorise"])
            reply = box.call("sgd_factorise", (A, 2), {"num_epochs": 1}, seed=7)

A sandbox may be shared by forked worker processes: a box is asked for with one atomic message on the control socket, and
everything else passes over the box's own socket.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from typing import Any

import torch

from autograder import wire
from autograder.errors import SandboxLost, SandboxUnavailable, WireError
from autograder.sandbox import bubblewrap, seccomp
from autograder.sandbox.limits import Limits

BOOT_SECONDS = 120.0
GRACE_SECONDS = 10.0  # for the supervisor to report a breach; past it the box is lost
ISOLATIONS = ("sandbox", "none")


@dataclass(frozen=True)
class Reply:
    """What came back for one request: an `outcome`, and for a returned call its values as plain Python and tensors."""

    outcome: str
    header: dict
    value: Any = None
    arguments: tuple = ()
    gradients: tuple = ()

    @property
    def message(self) -> str:
        """One line about an outcome that is not a return, the exception's kind and place included; cut to a length."""
        words = [str(self.header.get(name) or "")[:400] for name in ("type", "message", "where")]
        kind, text, where = (" ".join(part.split()) for part in words)
        said = ": ".join(part for part in (kind, text) if part)
        return f"{said} ({where})" if where else said


class Sandbox:
    """A warm process behind a wall, ready to open boxes."""

    def __init__(self, process: subprocess.Popen, control: socket.socket, isolation: str, walls: tuple[str, ...]) -> None:
        self._process, self._control = process, control
        self.isolation = isolation
        self.walls = walls

    @classmethod
    def start(cls, isolation: str = "sandbox") -> Sandbox:
        """Start the warm process and wait until it is ready.

        isolation: "sandbox", or "none" for one's own code
        Raises SandboxUnavailable, saying what to install, where this machine cannot.
        """
        launched = cls.launch(isolation)
        launched.wait_until_ready()
        return launched

    @classmethod
    def launch(cls, isolation: str = "sandbox") -> Sandbox:
        """As `start`, without waiting: the warm process boots while the caller imports its own packages."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        errors = tempfile.TemporaryFile()
        program = seccomp.build_filter() if isolation == "sandbox" else b""
        inside = os.open(bubblewrap.INSIDE, os.O_RDONLY)
        descriptors = {"pass_fds": (theirs.fileno(), inside), "stdin": subprocess.DEVNULL, "stdout": errors, "stderr": errors}
        try:
            if isolation == "sandbox":
                words = [str(inside) if word == "{inside}" else word for word in bubblewrap.command(theirs.fileno(), init=True)]
                process = subprocess.Popen(words, **descriptors)
            else:
                words = [sys.executable, "-s", "-P", "-B", str(bubblewrap.INSIDE), str(theirs.fileno())]
                process = subprocess.Popen(words, env=os.environ | bubblewrap.environment(), **descriptors)
        finally:
            theirs.close()
            os.close(inside)
        uid = bubblewrap.NOBODY if isolation == "sandbox" and bubblewrap.runs_as_root() else None
        mode = "nested" if isolation == "sandbox" else "none"
        configuration = {"uid": uid, "mode": mode, "seccomp": base64.b64encode(program).decode()}
        ours.send(json.dumps(configuration).encode())
        walls = ("bubblewrap", *(["seccomp"] if program else [])) if isolation == "sandbox" else ()
        sandbox = cls(process, ours, isolation, walls)
        sandbox._errors = errors
        return sandbox

    def wait_until_ready(self) -> None:
        """Block until boxes can be opened; SandboxUnavailable where they never will."""
        self._control.settimeout(BOOT_SECONDS)
        try:
            ready = json.loads(self._control.recv(1 << 16) or b"{}")
        except (OSError, ValueError):
            ready = {}
        if not ready.get("ready"):
            self.close()
            self._errors.seek(0)
            raise SandboxUnavailable(bubblewrap.explain_failure(self._errors.read().decode(errors="replace")))
        self._control.settimeout(None)

    def open(self, limits: Limits) -> Box:
        """A box for one submission."""
        ours, theirs = socket.socketpair()
        message = limits.message()
        directory = None
        if self.isolation == "none":
            directory = tempfile.TemporaryDirectory(prefix="autograder-")
            message |= {"directory": directory.name, "processes": None}
        try:
            socket.send_fds(self._control, [json.dumps(message).encode()], [theirs.fileno()])
        except OSError as error:
            ours.close()
            raise SandboxLost(f"the sandbox is gone ({error})") from error
        finally:
            theirs.close()
        return Box(ours, limits, directory)

    def close(self) -> None:
        """End the warm process and every box."""
        self._control.close()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Box:
    """One submission behind the line."""

    connection: socket.socket
    limits: Limits
    directory: tempfile.TemporaryDirectory | None = None
    cpu_seconds: float = field(default=0.0, init=False)

    def load(self, units: list[dict], names: list[str]) -> Reply:
        """Run a submission's top level; the reply's header tells the functions it defined and what failed on the way."""
        seconds = 3 * self.limits.load_wall_seconds + GRACE_SECONDS
        return self._ask({"op": "load", "units": units, "names": names}, {}, seconds)

    def call(self, function: str, arguments: tuple, options: dict, *, seed: int, differentiate: bool = False) -> Reply:
        """Call a function of the submission on fresh copies of the arguments, in a fresh process."""
        tensors: dict[str, torch.Tensor] = {}
        request = {
            "op": "call",
            "function": function,
            "arguments": [wire.encode_value(argument, tensors) for argument in arguments],
            "options": {name: wire.encode_value(option, tensors) for name, option in options.items()},
            "seed": seed,
            "differentiate": differentiate,
        }
        seconds = self.limits.call_wall_seconds + 3 * self.limits.load_wall_seconds + GRACE_SECONDS
        return self._ask(request, tensors, seconds)

    def _ask(self, request: dict, tensors: dict[str, torch.Tensor], seconds: float) -> Reply:
        wire.send(self.connection, request, tensors, seconds)
        header, payload = wire.receive(self.connection, seconds, self.limits.header_bytes + 1024, self.limits.reply_bytes)
        used = header.get("cpu_seconds")
        self.cpu_seconds = used if isinstance(used, float) else self.cpu_seconds
        try:
            received = wire.load_tensors(payload)
            value = wire.decode_value(header.get("value"), received)
            after = header.get("arguments", [])
            gradients = header.get("gradients", [])
            if not (isinstance(after, list) and isinstance(gradients, list)):
                raise WireError("a reply whose lists are none")
            return Reply(
                header["outcome"],
                header,
                value,
                tuple(wire.decode_value(tree, received) for tree in after),
                tuple(wire.decode_value(tree, received) for tree in gradients),
            )
        except WireError as error:
            return Reply("died", {"message": f"the process wrote something that is no answer: {error}"})

    def close(self) -> None:
        """End the box and everything in it."""
        self.connection.close()
        if self.directory is not None:
            self.directory.cleanup()

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
