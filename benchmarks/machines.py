"""Two workers of Dask beside two of ours, on one machine: time, and the bits. Dask's are started as
the guide says, and run already.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from benchmarks.rivals import HERE
from benchmarks.scratch import COMPARED, Figures, Scratch, bits, say

PRELOAD = "autograder.cluster.preload"


def dask(bench: Scratch) -> Figures:
    """Grading on two workers here, and on two of Dask on this machine: time, and the bits; a class
    as elsewhere, and a large one, whose time is less that of the start.
    """
    sizes = bench.sizes
    return {"shared": on_dask(bench, sizes.shared), "large": on_dask(bench, sizes.large)}


def on_dask(bench: Scratch, count: int) -> Figures:
    """A class of this size. different: how many results are not the same; over: Dask's time over
    ours
    """
    walls: dict[str, list[float]] = {"here": [], "dask": []}
    different = 0
    for number in range(bench.sizes.rounds):
        works = bench.class_of(COMPARED, 71 + number, count)
        folder = bench.hand_in(works, COMPARED, bench.home / "class")
        told: dict[str, list[Figures]] = {}
        for where, seen in walls.items():
            bench.forget()
            lines = bench.home / f"{where}.jsonl"
            words: list[object] = ["grade", COMPARED, folder, "--no-table", "--json", lines]
            with ExitStack() as stack:
                if where == "dask":
                    there = dask_workers(2, bench.home / "dask")
                    words += ["--scheduler", stack.enter_context(there)]
                seen.append(bench.run(*words, *([] if where == "dask" else ["--workers", 2])).wall)
            say(f"two workers, {where}, {count} submissions: {seen[-1]:.1f} s")
            told[where] = [bits(line) for line in lines.read_text("utf-8").splitlines()]
        different += sum(a != b for a, b in zip(*told.values(), strict=True))
    over = statistics.median(walls["dask"]) / statistics.median(walls["here"])
    return {"submissions": count, "walls": walls, "different": different, "over": over}


@contextmanager
def dask_workers(count: int, home: Path) -> Iterator[str]:
    """A Dask scheduler and so many workers on this machine, one submission each at a time; gives
    the scheduler's address. home: for their files
    """
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    file, started = home / "scheduler.json", []

    def start(program: str, *words: object) -> None:
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--no-dashboard"]
        with (home / f"{len(started)}.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [*command, "--scheduler-file", str(file), *map(str, words)],
                    cwd=home,
                    env=os.environ | HERE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def wait_for(name: str, sign: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not sign():
            if started[-1].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Dask's {name} does not start: see the logs in {home}")
            time.sleep(0.1)

    try:
        start("scheduler", "--port", 0, "--host", "127.0.0.1")
        wait_for("scheduler", file.is_file)
        for number in range(1, count + 1):
            start("worker", "--nthreads", 1, "--no-nanny", "--preload", PRELOAD)
            log = home / f"{number}.log"
            wait_for("worker", lambda log=log: b"Registered to" in log.read_bytes())
        yield json.loads(file.read_text("utf-8"))["address"]
    finally:
        for process in started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
