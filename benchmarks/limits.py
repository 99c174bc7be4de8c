"""What breaking each limit ends in, and how soon: the figures of docs/limits.md.

    python -m benchmarks.limits

Each breach is a function that notes the instant at which it goes over the limit in its /tmp, where
the next call of the same submission finds it. From that instant to the reply in the grader's hands
is what the table gives.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.gradebook.answers import (
    MAX_CODE,
    MAX_MARKDOWN,
    MAX_PICTURE,
    MAX_PICTURES,
    Pictures,
    shown,
)
from autograder.gradebook.rebuild import MAX_OTHER_CODE
from autograder.gradebook.rendering import PAGE_CPU_SECONDS, Text, renderable
from autograder.grading.checks import MESSAGE_CHARACTERS
from autograder.grading.student import HIDDEN_CHARACTERS
from autograder.grading.submission import MAX_BYTES, MAX_CELLS, MAX_SOURCE
from autograder.limits import Limits
from autograder.sandbox.process import Sandbox

PAGE = Path(__file__).parent.parent / "docs" / "limits.md"
REPEATS = 5
BOUNDS = Limits(
    call_cpu_seconds=1.0,
    call_wall_seconds=3.0,
    load_cpu_seconds=1.0,
    load_wall_seconds=3.0,
    memory_bytes=256 << 20,
    output_bytes=1 << 20,
    reply_bytes=1 << 20,
    header_bytes=1 << 16,
)
BOUNDS_OF_TEXT = {
    "a file that is handed in": f"{MAX_BYTES >> 20} MiB",
    "cells of a notebook": f"{MAX_CELLS:,}",
    "code of a submission": f"{MAX_SOURCE:,} characters",
    "a call's own words in a hidden check": f"{HIDDEN_CHARACTERS} printable ASCII characters",
    "any message of a check": f"{MESSAGE_CHARACTERS:,} characters",
    "a written answer on a page": f"{MAX_MARKDOWN:,} characters",
    "a cell of code on a page": f"{MAX_CODE:,} characters",
    "other code on a page": f"{MAX_OTHER_CODE:,} characters",
    "pictures in the answers of a page": f"{MAX_PICTURES}, of {MAX_PICTURE >> 20} MiB each",
}
PRELUDE = """
import os, sys, threading, time, torch
def over(later=0.0):
    with open('/tmp/.over', 'w') as file:
        file.write(repr(time.monotonic() + later))
def when():
    return float(open('/tmp/.over').read())
"""


@dataclass(frozen=True)
class Breach:
    """A way to break a limit: the function's body, which calls `over()` at the breach, and the
    outcome that it must have.
    """

    limit: str
    how: str
    body: str
    outcome: str


COMPUTE = """
while time.process_time() < CPU - 0.05: pass  # at the limit itself it would race its own end
over(0.05)
while True: pass
"""
CHILDREN_COMPUTE = """
import mmap, struct
with open('/tmp/.used', 'w+b') as file:
    file.truncate(64)
    used = mmap.mmap(file.fileno(), 64)
for n in range(8):
    if os.fork() == 0:
        while True:
            struct.pack_into('d', used, 8 * n, time.process_time())
while sum(struct.unpack('8d', used[:64])) < CPU: time.sleep(0.001)
over()
time.sleep(1000)
"""
CHILDREN_FORGOTTEN = """
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    over()  # the last one of these is less than one child before the breach
    if os.fork() == 0:
        while time.process_time() < 0.1: pass
        os._exit(0)
    try: os.wait()
    except ChildProcessError: time.sleep(0.1)
"""
SOCKETS_FILL = """
import socket
kept = []
for n in range(16):
    if n == 8: over()  # 200 sockets of 256 KiB in each; together they may have 512 MiB
    if os.fork() == 0: break
kept = [socket.socketpair() for _ in range(100)]
time.sleep(1000)
"""
IGNORE_SIGNALS = """
import signal
for n in range(1, 32):
    try: signal.signal(n, signal.SIG_IGN)
    except OSError: pass
over(WALL)
time.sleep(1000)
"""
CHILDREN_FILL = """
for n in range(8):
    if os.fork() == 0:
        if n == 2: over()
        hoard = os.urandom(1 << 20) * 200
        time.sleep(1000)
    time.sleep(0.2)
"""
WRITE_LARGE = """
over()
with open('/tmp/large', 'wb') as file:
    file.write(bytes(BOUND_FILE + 1))
"""
BREACHES = (
    Breach("call_cpu_seconds", "computes for ever", COMPUTE, "timed_out"),
    Breach(
        "call_cpu_seconds",
        "lets eight children compute",
        CHILDREN_COMPUTE,
        "timed_out",
    ),
    Breach(
        "call_cpu_seconds",
        "lets children compute that it forgets",
        CHILDREN_FORGOTTEN,
        "timed_out",
    ),
    Breach("call_wall_seconds", "sleeps for ever", "over(WALL)\ntime.sleep(1000)", "timed_out"),
    Breach(
        "call_wall_seconds",
        "sleeps with every signal ignored",
        IGNORE_SIGNALS,
        "timed_out",
    ),
    Breach(
        "memory_bytes",
        "fills a list",
        "hoard = []\nwhile True:\n    over()\n    hoard.append(bytearray(1 << 24))",
        "out_of_memory",
    ),
    Breach("memory_bytes", "makes one large tensor", "over()\ntorch.zeros(10**9)", "out_of_memory"),
    Breach(
        "memory_bytes",
        "fills eight children",
        CHILDREN_FILL,
        "out_of_memory",
    ),
    Breach(
        "memory_bytes",
        "fills sockets in its children",
        SOCKETS_FILL,
        "out_of_memory",
    ),
    Breach(
        "memory_bytes",
        "maps shared pages that no process has",
        "import mmap\nover()\nmmap.mmap(-1, 1 << 30)",
        "raised",
    ),
    Breach(
        "processes",
        "forks for ever",
        "children = 0\nwhile True:\n    over()\n    os.fork() or time.sleep(1000)",
        "raised or timed_out",
    ),
    Breach(
        "open_files",
        "opens files for ever",
        "kept = []\nwhile True:\n    over()\n    kept.append(open('/dev/null'))",
        "raised",
    ),
    Breach(
        "file_bytes",
        "writes one large file",
        WRITE_LARGE,
        "raised",
    ),
    Breach(
        "tmp_bytes",
        "fills /tmp with files",
        "for n in range(10**6):\n    over()\n    open(f'/tmp/{n}', 'wb').write(bytes(1 << 22))",
        "raised",
    ),
    Breach(
        "output_bytes", "prints for ever", "over()\nwhile True: print('x' * 4096)", "output_limit"
    ),
    Breach(
        "reply_bytes", "returns a large tensor", "over()\nreturn torch.zeros(10**6)", "output_limit"
    ),
    Breach("—", "ends its own process", "over()\nos._exit(0)", "died"),
    Breach("—", "crashes the interpreter", "import ctypes\nover()\nctypes.string_at(0)", "died"),
)


def measure(sandbox: Sandbox, breach: Breach) -> tuple[str, list[float]]:
    """The outcome of a breach, and the seconds from breach to verdict of some repetitions."""
    bounds = (BOUNDS.call_cpu_seconds, BOUNDS.call_wall_seconds, BOUNDS.file_bytes)
    constants = f"CPU, WALL, BOUND_FILE = {bounds}\n"
    body = "".join(f"    {line}\n" for line in breach.body.splitlines())
    source = f"{PRELUDE}{constants}def f():\n{body}"
    seconds, outcomes = [], set()
    for _ in range(REPEATS):
        with sandbox.open(BOUNDS) as box:
            box.load([{"kind": "statements", "source": source, "label": ""}], ["f", "when"])
            reply = box.call("f", (), {}, seed=0)
            ended = time.monotonic()
            outcomes.add(reply.outcome)
            over = box.call("when", (), {}, seed=0)
            if over.outcome == "returned":
                seconds.append(max(0.0, ended - over.value))
    return " or ".join(sorted(outcomes)), seconds


BOMBS = {
    "60,000 blank lines": "\n" * 60_000,
    "7,000 environments that open": "\\begin{a}" * 7_000,
    "60,000 open brackets": "[" * 60_000,
    "20,000 marks of emphasis": "*a_" * 20_000,
    "240 lists in each other": "".join("  " * depth + "- a\n" for depth in range(240)),
    "a sentence of 40 words": "The nearest matrix of rank 2 keeps $\\sigma_1$ and so on. " * 4,
}


def rendered(text: str) -> str:
    """A line of the table of pages: what a written answer costs to be shown, and how it is."""
    started = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    cell, _ = shown(text, {}, Pictures())
    (good,) = renderable([Text("markdown", cell, {})])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.process_time() - started[0]
    seconds += used.ru_utime + used.ru_stime - started[1].ru_utime - started[1].ru_stime
    how = "whole" if len(text) <= MAX_MARKDOWN else f"the first {MAX_MARKDOWN:,} characters"
    how += "" if good else ", without its markup"
    return f"{how} | {seconds:.2f} s |"


def row(breach: Breach, outcome: str, seconds: list[float]) -> str:
    """A line of the table."""
    expected = breach.outcome.split(" or ")
    as_expected = set(outcome.split(" or ")) <= set(expected)
    mark = "" if as_expected else f" (expected `{breach.outcome}`)"
    times = f"{statistics.median(seconds):.2f} s | {max(seconds):.2f} s" if seconds else "– | –"
    return f"| `{breach.limit}` | {breach.how} | `{outcome}`{mark} | {times} |".replace("`—`", "—")


def main() -> None:
    """Measure every breach and write the page."""
    load = os.getloadavg()[0]
    with Sandbox.start() as sandbox:
        rows = [row(breach, *measure(sandbox, breach)) for breach in BREACHES]
    pages = [f"| {name} | {rendered(text)}" for name, text in BOMBS.items()]
    bounds = [f"| {what} | {most} |" for what, most in BOUNDS_OF_TEXT.items()]
    defaults = "\n".join(f"| `{name}` | {value:,} |" for name, value in asdict(Limits()).items())
    PAGE.write_text(
        HEAD.format(
            repeats=REPEATS,
            load=load,
            processors=os.cpu_count(),
            rows="\n".join(rows),
            pages="\n".join(pages),
            bounds="\n".join(bounds),
            page_seconds=PAGE_CPU_SECONDS,
            defaults=defaults,
        ),
        encoding="utf-8",
    )
    print("\n".join([*rows, *pages]))


HEAD = """# Limits

Made by `python -m benchmarks.limits`; do not edit.

What a submission may use, how breaking it ends, and how long after the breach the grader has its
verdict: median and longest of {repeats}, with all that the submission started gone by then. The
limits were set low for this measurement (1 s of computing, 3 s in all, 256 MiB, 1 MiB printed and
returned); the times do not depend on them. On a busy machine they grow as everything does: while
these were measured, the load average was {load:.1f}, on {processors} processors.

| limit | the function | outcome | median | longest |
|---|---|---|---|---|
{rows}

A broken limit of the operating system (`raised`) is an exception in the student's own code, which
it may catch; nothing beyond the limit was had. `processes` ends in `timed_out` where the code goes
on trying.

## What people see

The text of a submission is bounded before anything works on it. What a written answer costs to be
shown, in seconds of computing; no page takes more than {page_seconds} s, and an answer that would
is shown without its markup:

| the answer | shown | computing |
|---|---|---|
{pages}

| what | at most |
|---|---|
{bounds}

## Defaults

| limit | default |
|---|---|
{defaults}

Times are seconds, sizes bytes. They stand in `autograder/limits.py`. `[limits]` in `course.toml`
changes them for a course, `[limits]` in an assignment's `assignment.toml` for that assignment
(`memory_mib` in place of `memory_bytes`). Computing counts in all of the submission's processes
together; memory too, where together they may have twice what one may.
"""


if __name__ == "__main__":
    main()
