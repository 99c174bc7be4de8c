"""What a command costs: CPU of all its processes, wall time, memory.

CPU is the kernel's account of a control group that holds the command and everything it starts.
`time` would not see the sandbox, whose processes are not waited for by ours. Where no control group
can be made, what /proc shows is summed up ten times a second, and `counted` says so: processes that
live for less are missed.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LOOK = 0.1  # seconds between two looks at memory
TICKS = os.sysconf("SC_CLK_TCK")
ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Cost:
    """What a command used.

    cpu, wall: seconds
    memory: MiB that all its processes held at most, not counting files (0: not known)
    trusted: MiB that the largest of the command's own processes held at most: itself, its workers
    load: how many processes the machine ran or had waiting, when it ended
    """

    cpu: float
    wall: float
    memory: float
    trusted: float
    load: float
    counted: str

    def to_json(self) -> dict[str, Any]:
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


class Failed(Exception):
    """A command that is measured ended badly."""


@dataclass(frozen=True)
class Group:
    """A control group. version: of the kernel's interface, 1 or 2"""

    version: int
    folders: tuple[Path, ...]

    @classmethod
    @contextmanager
    def make(cls) -> Iterator[Group | None]:
        """A new one, removed afterwards; None where none can be made."""
        name = f"autograder-bench-{os.getpid()}-{time.monotonic_ns()}"
        controllers = [ROOT / "cpuacct", ROOT / "memory"]
        version = 1 if controllers[0].is_dir() else 2
        folders = [folder / name for folder in controllers if folder.is_dir()]
        if version == 2:
            folders = [ROOT / own_group().lstrip("/") / name]
        try:
            for folder in folders:
                folder.mkdir()
        except OSError:
            yield None
            return
        try:
            yield cls(version, tuple(folders))
        finally:
            for folder in folders:
                for _ in range(50):  # what was killed is gone in a moment
                    with suppress(OSError):
                        folder.rmdir()
                        break
                    time.sleep(0.1)

    def enter(self) -> None:
        """Put the calling process into it."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def cpu(self) -> float:
        """Seconds that its processes used so far."""
        if self.version == 1:
            return int((self.folders[0] / "cpuacct.usage").read_text()) / 1e9
        return self._statistic("cpu.stat", "usage_usec") / 1e6

    def memory(self) -> float:
        """MiB that its processes hold, without files."""
        name = "total_rss" if self.version == 1 else "anon"
        with suppress(OSError, KeyError):
            return self._statistic("memory.stat", name) / (1 << 20)
        return 0.0

    def _statistic(self, file: str, name: str) -> int:
        lines = (self.folders[-1] / file).read_text().splitlines()
        return int(dict(line.split() for line in lines)[name])


def own_group() -> str:
    """This process's control group of version 2, as a path below the root of all."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return line[3:]
    return "/"


def measure(
    command: Sequence[str | Path],
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    statuses: Sequence[int] = (0,),
) -> Cost:
    """Run a command to its end. Failed, with the end of what it said, where its exit status is not
    among `statuses`.
    """
    log = cwd / "measured.log"
    with Group.make() as group, log.open("wb") as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            preexec_fn=group.enter if group is not None else None,
        )
        try:
            peak, trusted, cpu = 0.0, 0.0, 0.0
            while process.poll() is None:
                peak = max(peak, group.memory() if group is not None else 0.0)
                trusted = max([trusted, *map(resident, own_processes(process.pid))])
                if group is None:
                    cpu = max(cpu, tree_seconds(process.pid))
                with suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK)
            wall = time.perf_counter() - start
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if group is not None:
            cpu = group.cpu()
    if process.returncode not in statuses:
        tail = log.read_text(errors="replace")[-2000:]
        raise Failed(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{tail}")
    counted = f"control group, version {group.version}" if group else "looks at /proc"
    return Cost(cpu, wall, peak, trusted, os.getloadavg()[0], counted)


def own_processes(pid: int) -> list[int]:
    """A process, and its children that are forks of it: they have its command line."""
    with suppress(OSError):
        mine = Path(f"/proc/{pid}/cmdline").read_bytes()
        found = [pid]
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(OSError):
                if Path(f"/proc/{child}/cmdline").read_bytes() == mine:
                    found.append(int(child))
        return found
    return []


def resident(pid: int) -> float:
    """MiB that a process has held at most."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    return 0.0


def tree_seconds(pid: int) -> float:
    """CPU seconds of a process, of its children that ended, and of those that live."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    seconds = sum(map(int, text.rpartition(")")[2].split()[11:15])) / TICKS
    return seconds + sum(tree_seconds(int(child)) for child in children)
