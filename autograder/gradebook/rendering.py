"""Whether texts can be rendered within a page's time: tried, in a process of its own.

Renderers match with regular expressions that some texts take for hours; nobody can list those
texts. A fork renders a page's cells one after another, under a limit on processor time that the
kernel holds it to, and says after each that it is done.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

PAGE_CPU_SECONDS = 3
WALL_SECONDS = 60.0  # for a machine that does something else
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


def renderable(texts: Sequence[Text], cpu_seconds: int = PAGE_CPU_SECONDS) -> list[bool]:
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


def _attempt(texts: Sequence[Text], cpu_seconds: int) -> list[bool]:
    """The answers for the texts that a fork gets through."""
    if not texts:
        return []
    warm()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
            signal.signal(signal.SIGXCPU, signal.SIG_DFL)
            for text in texts:
                os.write(writing, _try(text))
        finally:
            os._exit(0)
    os.close(writing)
    try:
        said = _read(reading, len(texts))
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return [answer == DONE[0] for answer in said]


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
            part = os.read(descriptor, count)
            if not part:
                break
            said += part
    return said
