"""Commands in processes of their own, forked from one that has loaded what they load.

Each is a process like any other: in a session of its own, with its own standard output and error,
to be waited for, interrupted and killed. What it saves is the second or two of processor time in
which a Python that was started anew imports torch and nbgrader. Where that start is the point, a
test starts a Python. As much again it saves by a sandbox that is lent to it; where that it starts
and ends one of its own is the point, it is lent none.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from autograder.sandbox.cgroup import Groups
from autograder.sandbox.process import Process, Sandbox

ROOT = Path(__file__).parent.parent
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "pytest",  # of which multiprocessing looks for the main module
        "torch",
        "nbgrader.apps.nbgraderapp",
        "nbgrader.apps.api",
        "autograder.cli",
        "autograder.audit.audit",
        "autograder.grading.preflight",
        "autograder.gradebook.bridge",
        "autograder.pages.feedback",
        "autograder.watch.watch",
    ]
)


def _autograder() -> None:
    from autograder.cli import main

    main()


def _nbgrader() -> None:
    from nbgrader.apps.nbgraderapp import main
    from nbgrader.validator import Validator

    Validator.stream = sys.stdout  # the one of when it was loaded, otherwise
    main()


PROGRAMS = {"autograder": _autograder, "nbgrader": _nbgrader}


class Lent(NamedTuple):
    """A running sandbox, as it is handed to another process."""

    control: socket.socket
    pid: int
    program: bytes
    groups: Path | None
    starter: int

    @classmethod
    def of(cls, sandbox: Sandbox) -> Lent | None:
        """None where each box is a sandbox of its own, so that there is nothing to hand on."""
        process, groups = sandbox._process, sandbox._groups
        if process is None:
            return None
        folder = groups.folder if groups is not None else None
        return cls(process.control, process.popen.pid, sandbox._program, folder, process.starter)

    def take(self) -> None:
        """In the other process: whatever starts a sandbox gets this one."""
        zygote: Any = SimpleNamespace(pid=self.pid, poll=lambda: None)
        groups = Groups(self.groups, self.starter) if self.groups is not None else None
        process = Process(zygote, self.control, io.BytesIO(), self.starter)
        sandbox = Sandbox(process, "sandbox", self.program, True, groups)
        start: Any = lambda isolation="sandbox", *, nested=True: nullcontext(sandbox)  # noqa: E731
        begun: Any = SimpleNamespace(ready=lambda: nullcontext(sandbox), end=lambda: None)
        begin: Any = lambda isolation="sandbox": begun  # noqa: E731
        Sandbox.start, Sandbox.begin = start, begin


def _run(
    program: str,
    words: list[str],
    folder: str,
    environment: dict[str, str],
    to: str,
    lent: Lent | None,
) -> None:
    """In the new process: become the command."""
    os.setsid()
    if lent is not None:
        lent.take()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # where all runs in the background
    for stream, name in enumerate(("out", "err"), start=1):
        opened = os.open(f"{to}/{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, stream)
        os.close(opened)
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program, *words]
    start = "from autograder.cli import main; main()"
    sys.orig_argv = [sys.executable, "-c", start, *words]  # by which the watch begins anew
    PROGRAMS[program]()


class Running:
    """A command that was started."""

    def __init__(
        self,
        program: str,
        *words: object,
        folder: Path,
        sandbox: Sandbox | None = None,
        **environment: str,
    ) -> None:
        """program: `autograder` or `nbgrader`
        sandbox: one that runs already, lent to it; None: it starts its own
        environment: added to this process's
        """
        self._to = Path(tempfile.mkdtemp(prefix="forked-"))
        for name in ("out", "err"):
            (self._to / name).touch()
        bin = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        settings = {
            **os.environ,
            "PATH": bin,
            "PYTHONPATH": str(ROOT),
            **environment,
        }  # for alembic
        self.words = [program, *map(str, words)]
        self._process = CONTEXT.Process(
            target=_run,
            args=(
                program,
                self.words[1:],
                str(folder),
                settings,
                str(self._to),
                Lent.of(sandbox) if sandbox is not None else None,
            ),
        )
        self._process.start()
        self._reading = (self._to / "out").open(encoding="utf-8")
        self._begun = ""

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float) -> int:
        """Its exit status, when it has ended."""
        self._process.join(seconds)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(self.words, seconds, self.output, self.errors)
        return status

    def interrupt(self) -> None:
        os.kill(self.pid, signal.SIGINT)

    def kill(self, *, group: bool = False) -> None:
        """SIGKILL, and it is gone. group: with all that is in its session still"""
        (os.killpg if group else os.kill)(self.pid, signal.SIGKILL)
        self._process.join()

    def lines(self) -> Iterator[str]:
        """What it prints to standard output from now on, each line as it comes."""
        while True:
            over = self.poll() is not None
            self._begun += self._reading.read()
            while "\n" in self._begun:
                line, _, self._begun = self._begun.partition("\n")
                yield line
            if over:
                return
            time.sleep(0.02)

    @property
    def output(self) -> str:
        return (self._to / "out").read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return (self._to / "err").read_text(encoding="utf-8")

    def close(self) -> None:
        """End it, if it runs still, and forget what it printed."""
        if self.poll() is None:
            self.kill(group=True)
        self._reading.close()
        shutil.rmtree(self._to, ignore_errors=True)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def run(
    program: str, *words: object, folder: Path, sandbox: Sandbox | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. sandbox: as for `Running`"""
    with Running(program, *words, folder=folder, sandbox=sandbox) as running:
        status = running.wait(900)
        return subprocess.CompletedProcess(running.words, status, running.output, running.errors)
