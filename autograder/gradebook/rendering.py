"""Whether texts can be rendered within a page's time: tried, in a process of its own.

Renderers match with regular expressions that some texts take for hours; nobody can list those
texts. A fork renders a page's cells one after another, under a limit on processor time that the
kernel holds it to, and says after each that it is done. It renders the next page, too: to fork what
has torch and nbgrader loaded takes longer than to render.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

PAGE_CPU_SECONDS = 3
WALL_SECONDS = 60.0  # for a machine that does something else
PR_SET_PDEATHSIG = 1  # prctl(2)
TRIES = 3  # cells of one page that may fail; what follows them is not tried
DONE, FAILED = b"1", b"0"


@dataclass(frozen=True)
class Text:
    """A cell as it would be shown. kind: "markdown" or "code" """

    kind: str
    source: str
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)


def render(text: Text) -> str:
    """What nbconvert's pages make of a cell, formulas as MathML."""
    from nbconvert.filters import Highlight2HTML, strip_files_prefix

    from autograder.gradebook.mathematics import markdown_with_mathml

    if text.kind == "code":
        return str(Highlight2HTML()(text.source))
    return str(strip_files_prefix(markdown_with_mathml(text.source, text.attachments)))


def renderable(texts: Sequence[Text], cpu_seconds: float = PAGE_CPU_SECONDS) -> list[bool]:
    """For each text of a page, whether it is rendered in time and without an error."""
    answers: list[bool] = []
    for _ in range(TRIES):
        answers += _attempt(texts[len(answers) :], cpu_seconds)
        if len(answers) == len(texts):
            return answers
        answers.append(False)  # the one under way when time was up
    return answers + [False] * (len(texts) - len(answers))


@cache
def warm() -> None:
    """Load what rendering takes, once: each fork would load it anew."""
    render(Text("markdown", "*warm* $x^2$"))
    render(Text("code", "x = [1.5, 'a']  # warm"))


class Renderer:
    """A fork of this process that renders one page after another."""

    def __init__(self) -> None:
        warm()
        self.owner = os.getpid()
        self.connection, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.connection.close()
                _serve(theirs)
            finally:
                os._exit(0)
        theirs.close()

    def attempt(self, texts: Sequence[Text], cpu_seconds: float) -> bytes:
        """What it says of the texts that it gets through."""
        asked = json.dumps([cpu_seconds, [vars(text) for text in texts]])
        with suppress(OSError):  # it has ended
            self.connection.sendall(asked.encode() + b"\n")
        return _read(self.connection.fileno(), len(texts))

    def waits(self) -> bool:
        """Whether it is there for another page, and for this process."""
        with suppress(ChildProcessError):
            here = self.owner == os.getpid()
            return here and not os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return False

    def end(self) -> None:
        """End it, or in a fork of its owner only let go of it."""
        self.connection.close()
        if self.owner == os.getpid():
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)


class Kept(threading.local):
    """What renders for this thread, or for the process that this one was forked from."""

    renderer: Renderer | None = None

    def ready(self) -> Renderer:
        """One that waits for a page."""
        if self.renderer is not None and not self.renderer.waits():
            self.end()
        if self.renderer is None:
            self.renderer = Renderer()
        return self.renderer

    def end(self) -> None:
        if self.renderer is not None:
            self.renderer.end()
        self.renderer = None


kept = Kept()


def _attempt(texts: Sequence[Text], cpu_seconds: float) -> list[bool]:
    """The answers for the texts that a fork gets through."""
    if not texts:
        return []
    said = b""
    try:
        said = kept.ready().attempt(texts, cpu_seconds)
    finally:
        others = threading.current_thread() is not threading.main_thread()  # which end before it
        if len(said) < len(texts) or others:
            kept.end()
    return [answer == DONE[0] for answer in said]


def _serve(connection: socket.socket) -> None:
    """The fork's life: pages, each in its time, for as long as its owner lives."""
    with suppress(AttributeError, OSError):  # Linux alone has it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its owner ends it
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    with connection.makefile("rb") as pages:
        for page in pages:
            cpu_seconds, texts = json.loads(page)
            signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
            for text in texts:
                connection.sendall(_try(Text(**text)))
            signal.setitimer(signal.ITIMER_PROF, 0)


def _try(text: Text) -> bytes:
    try:
        render(text)
    except Exception:  # what a page would have ended with
        return FAILED
    return DONE


def _read(descriptor: int, count: int) -> bytes:
    """Up to `count` answers, as many as come before the other end is gone."""
    said, deadline = b"", time.monotonic() + WALL_SECONDS
    while len(said) < count and (left := deadline - time.monotonic()) > 0:
        if select.select([descriptor], [], [], left)[0]:
            part = b""
            with suppress(ConnectionResetError):  # it has ended with a page unread
                part = os.read(descriptor, count)
            if not part:
                break
            said += part
    return said
