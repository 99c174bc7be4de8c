"""What a submission's processes use, read from outside them."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass

CROWDED = 3  # times the wall limit, and a request ends however long it waited for a processor
SOCKET_BYTES = 256 << 10  # what one may hold in the kernel with buffers of the usual size
# of /proc/PID/status: what a process has in swap, and what the kernel keeps to find its pages by
BESIDE_PAGES = ("VmSwap:", "VmPTE:")


class CpuClock:
    """The CPU time of one process of the box since this clock was made, read from outside that
    process.
    """

    def __init__(self, pid: int | None) -> None:
        self.identifier = (
            (~pid << 3) | 2 if pid and 1 < pid < 1 << 22 else None
        )  # see clock_getcpuclockid(3)
        self.last = 0.0
        self.first = self._now() or 0.0

    def _now(self) -> float | None:
        if self.identifier is None:
            return None
        try:
            return time.clock_gettime(self.identifier)
        except OSError:
            return None

    def read(self) -> float:
        now = self._now()
        if now is not None:
            self.last = now - self.first
        return self.last


@dataclass(frozen=True)
class Usage:
    """What a box has used: CPU seconds so far, and bytes of memory now.

    delays: seconds so far that each process was ready to run, and another had the processor
    """

    seconds: float
    memory: int
    delays: Mapping[str, float]


class Census:
    """What everything that this process started uses, from a /proc that none of it can see.

    What each process has in common with the warm one, which is most of it, is not counted as
    memory. Of what lives in the kernel, page tables are counted, since single pages far apart need
    as much for their tables, and sockets, at `SOCKET_BYTES` each.

    folder: a descriptor of /proc (None: the one of this process's own)
    """

    def __init__(self, folder: int | None = None) -> None:
        self.folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY) if folder is None else folder
        self.first = os.readlink("self", dir_fd=self.folder)
        self.tick, self.page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGESIZE")
        _, pages, self.threads = self.usage(self.first)
        self.common = pages + self.beside_pages(self.first)
        self.reaped = reaped_seconds()

    def take(self, *, memory: bool = True) -> Usage:
        """CPU seconds, those of ended processes included, and bytes of memory, all together.

        memory: whether it is counted: it costs more than all the rest
        """
        seconds = reaped_seconds() - self.reaped
        held = self.sockets() * SOCKET_BYTES if memory else 0
        delays: dict[str, float] = {}
        waiting = self.children(self.first, self.threads)
        while waiting:
            pid = waiting.pop()
            with contextlib.suppress(OSError):  # it may end at any time
                used, resident, threads = self.usage(pid)
                seconds += used
                delays[pid] = self.delay(pid)
                waiting += self.children(pid, threads)
                if memory:
                    held += max(0, resident + self.beside_pages(pid) - self.common)
        return Usage(seconds, held, delays)

    def delay(self, pid: str) -> float:
        """Seconds that a process waited for a processor; 0.0 where the kernel does not say."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(self.read(f"{pid}/schedstat").split()[1]) / 1e9
        return 0.0

    def sockets(self) -> int:
        """How many sockets there are in the box's network namespace, those on their way included;
        0 where the kernel does not say.
        """
        with contextlib.suppress(OSError):
            words = self.read(f"{self.first}/net/sockstat").split()
            if words[:2] == ["sockets:", "used"]:
                return int(words[2])
        return 0

    def usage(self, pid: str) -> tuple[float, int, int]:
        """CPU seconds, bytes and threads of a process."""
        words = (
            self.read(f"{pid}/stat").rpartition(")")[2].split()
        )  # from the third field of proc(5) on
        return sum(map(int, words[11:15])) / self.tick, int(words[21]) * self.page, int(words[17])

    def beside_pages(self, pid: str) -> int:
        """Bytes that a process holds and that are no pages of its own in memory."""
        rows = map(str.split, self.read(f"{pid}/status").splitlines())
        return sum(int(row[1]) << 10 for row in rows if row and row[0] in BESIDE_PAGES)

    def children(self, pid: str, threads: int) -> list[str]:
        tasks = [pid]
        if threads > 1:
            folder = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.folder)
            tasks = os.listdir(folder)
            os.close(folder)
        return [
            child for task in tasks for child in self.read(f"{pid}/task/{task}/children").split()
        ]

    def read(self, name: str) -> str:
        descriptor = os.open(name, os.O_RDONLY, dir_fd=self.folder)
        try:
            return os.read(descriptor, 1 << 16).decode(errors="replace")
        finally:
            os.close(descriptor)


class Group:
    """The control group of the box, by descriptors that the grader opened: to enter it, its CPU
    time, and the events of its memory. None of them: there is no group.
    """

    def __init__(self, descriptors: list[int]) -> None:
        self.descriptors = descriptors
        self.first = self.seconds()

    def enter(self) -> None:
        """Move this process into the group, and let go of it."""
        if self.descriptors:
            os.write(self.descriptors[0], b"0")
        for descriptor in self.descriptors:
            os.close(descriptor)

    def seconds(self) -> float:
        """CPU seconds of all that were ever in it."""
        return self.value(1, "usage_usec") / 1e6

    def kills(self) -> int:
        """How often the kernel has killed in it because its memory was full."""
        return self.value(2, "oom_kill")

    def value(self, place: int, name: str) -> int:
        """A value of one of its files; 0 where there is none."""
        with contextlib.suppress(OSError, IndexError, KeyError, ValueError):
            text = os.pread(self.descriptors[place], 1 << 12, 0).decode()
            return int(dict(line.split() for line in text.splitlines())[name])
        return 0


def reaped_seconds() -> float:
    """CPU seconds of the processes that this one has waited for, and of those that they had."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def longest_wait(now: Mapping[str, float], before: Mapping[str, float]) -> float:
    """The most that one process waited for a processor between two takings of the census."""
    return max((delay - before.get(pid, 0.0) for pid, delay in now.items()), default=0.0)
