"""The grader's end of the sandbox: one warm process for a run, which opens a box (box.py) for each
submission.

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
import zipfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from autograder.errors import SandboxLost, SandboxUnavailable
from autograder.limits import Limits
from autograder.sandbox import bubblewrap, seccomp
from autograder.sandbox.cgroup import Groups

if TYPE_CHECKING:
    from autograder.sandbox.box import Box

INSIDE = Path(__file__).with_name("inside")
BOOT_SECONDS = 120.0


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
        root = mode != "none" and bubblewrap.runs_as_root()
        configuration = {
            "uid": bubblewrap.nobody_else() if root else None,
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
        from autograder.sandbox.box import Box  # it loads torch

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
        """The sandbox, once it is warm; SandboxUnavailable where it does not come to that. Nothing
        is left of it then, nor where whoever waits is interrupted.
        """
        with ExitStack() as undo:
            undo.callback(self.end)
            groups = Groups.find() if self.isolation != "none" else None
            if groups is not None:
                undo.callback(groups.close)
            sandbox = self._booted(groups)
            undo.pop_all()
            return sandbox

    def _booted(self, groups: Groups | None) -> Sandbox:
        process, isolation, program = self.process, self.isolation, self.program
        if process is not None:
            if process.ready()["nested"] or isolation == "none":
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
