"""Arbitrary bytes against the two rooms that read them.

    python -m benchmarks.fuzz [MINUTES] [TARGET ...]

    reader   what a student handed in, as a notebook          autograder/grading/submission.py
    wire     what came over the line, frame, header, payload  autograder/sandbox/wire.py, box.py

With atheris (pip install 'autograder[fuzz]') the fuzzer follows the code that an input reaches,
keeps what is new in build/fuzz/<target>/, and stops at an exception that is not the room's own, at
seconds spent on one input, and at memory over the bound. Without it, hypothesis tries inputs at
random for as long.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CORPUS = Path(__file__).parent.parent / "build" / "fuzz"
MINUTES = 10.0
MEMORY_MIB = 2048
INPUT_BYTES = 1 << 16
SECONDS_AN_INPUT = 5
FRAMED = b"\n\n"
FOLLOWED = [
    "autograder.grading.submission",
    "autograder.sandbox.wire",
    "autograder.sandbox.box",
]


def read_notebook(data: bytes) -> None:
    """Read bytes as a notebook; whatever they are, the answer is cells or a SubmissionError."""
    from autograder.errors import SubmissionError
    from autograder.grading import submission

    path = Path("fuzzed.ipynb")
    try:
        cells = submission.notebook_cells(submission.text_of(data, path), path)
    except SubmissionError:
        return
    assert sum(len(source) for _, source in cells) <= submission.MAX_SOURCE


class Line:
    """A connection on which these bytes arrive, and then nothing."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def settimeout(self, seconds: float) -> None:
        pass

    def recv(self, count: int) -> bytes:
        part, self.data = self.data[:count], self.data[count:]
        return part


def read_wire(data: bytes) -> None:
    """Read bytes as a reply; whatever they are, the answer is a Reply, WireError or SandboxLost.

    Bytes that begin with `FRAMED` have their lengths put in: the fuzzer need not guess these.
    """
    from autograder.errors import SandboxLost, WireError
    from autograder.sandbox import wire
    from autograder.sandbox.box import read_reply

    if data.startswith(FRAMED):
        text, _, rest = data.removeprefix(FRAMED).partition(FRAMED)
        data = struct.pack("!II", len(text), len(rest)) + text + rest
    try:
        header, payload = wire.receive(Line(data), 1.0, INPUT_BYTES, INPUT_BYTES)  # type: ignore[arg-type]
        assert read_reply(header, payload).message.isprintable()
    except (WireError, SandboxLost):
        pass


def notebooks() -> list[bytes]:
    """Notebooks to begin with."""
    cells = [
        {
            "cell_type": "code",
            "source": ["x = 1\n", "y"],
            "metadata": {"nbgrader": {"grade_id": "a"}},
            "outputs": [],
        }
    ]
    books = [
        {"nbformat": 4, "cells": cells},
        {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": "x"}]}]},
    ]
    return [json.dumps(book).encode() for book in books] + [
        b'{"cells": "\\\\\\""}',
        b"\xef\xbb\xbf[[{}]]",
    ]


def replies() -> list[bytes]:
    """Replies to begin with."""
    import safetensors.torch
    import torch

    payload = safetensors.torch.save(
        {"0": torch.ones(2, 2), "1": torch.zeros(3, dtype=torch.uint8)}
    )
    items = [
        {"tensor": "0"},
        {"floats": "1"},
        {"float": "1.5"},
        {"other": "a.B"},
        None,
        True,
        3,
        "text",
    ]
    value = {"items": items, "type": "tuple", "length": len(items)}
    headers: list[dict] = [
        {
            "outcome": "returned",
            "value": value,
            "arguments": [{"tensor": "0"}],
            "gradients": [None],
        },
        {
            "outcome": "raised",
            "type": "ValueError",
            "message": "no\u001b",
            "where": "line 3",
            "cpu_seconds": 0.5,
        },
    ]
    texts = [json.dumps(header).encode() for header in headers]
    plain = [struct.pack("!II", len(text), len(payload)) + text + payload for text in texts]
    return plain + [FRAMED + text + FRAMED + payload for text in texts]


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "reader": (read_notebook, notebooks),
    "wire": (read_wire, replies),
}


def follow_coverage(target: str, seconds: float) -> None:
    """Fuzz with atheris in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=FOLLOWED):
        import autograder.grading.submission
        import autograder.sandbox.box  # noqa: F401
    one, seeds = TARGETS[target]
    corpus = CORPUS / target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed{number}").write_bytes(seed)
    words = [
        f"-max_total_time={seconds:.0f}",
        f"-rss_limit_mb={MEMORY_MIB}",
        f"-max_len={INPUT_BYTES}",
    ]
    words += [
        f"-timeout={SECONDS_AN_INPUT}",
        f"-artifact_prefix={CORPUS}/{target}-",
        "-print_final_stats=1",
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *words], one)
    atheris.Fuzz()


def try_at_random(target: str, seconds: float) -> None:
    """Fuzz with hypothesis: seeds with pieces put in, taken out and moved, and plain bytes."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    one, seeds = TARGETS[target]
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MIB << 20, MEMORY_MIB << 20))
    begin = st.sampled_from(seeds())
    changed = st.builds(
        lambda seed, at, to, junk: seed[:at] + junk + seed[to:],
        begin,
        st.integers(0, 400),
        st.integers(0, 400),
        st.binary(max_size=9),
    )
    deadline, tried = time.monotonic() + seconds, 0

    @settings(
        max_examples=2000,
        deadline=SECONDS_AN_INPUT * 1000,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(changed | st.binary(max_size=2000))
    def some(data: bytes) -> None:
        one(data)

    while time.monotonic() < deadline:
        some()
        tried += 2000
    print(f"{target}: {tried} inputs")


def fuzz(target: str, seconds: float) -> int:
    """Fuzz one target in a process of its own; 0 where nothing was found."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fuzz", "--here", target, str(seconds)], check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = (
        "nothing found"
        if done.returncode == 0
        else f"STOPPED with status {done.returncode}; the input is in {CORPUS}"
    )
    print(
        f"{target}: {found}; {used / 60:.1f} CPU-minutes, at most {after.ru_maxrss >> 10} MiB",
        flush=True,
    )
    return done.returncode


def main(words: list[str]) -> int:
    """Fuzz the targets named, all if none is, for so many minutes each."""
    if words[:1] == ["--here"]:
        method = follow_coverage if importlib.util.find_spec("atheris") else try_at_random
        method(words[1], float(words[2]))
        return 0
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed (pip install 'autograder[fuzz]'):")
        print("trying inputs at random with hypothesis instead")
    minutes = float(words[0]) if words else MINUTES
    return max(fuzz(target, 60 * minutes) for target in words[1:] or TARGETS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
