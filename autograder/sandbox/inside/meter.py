"""What a submission's processes use, read from outside them."""

from __future__ import annotations

import contextlib
import os
import time


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


class Census:
    """CPU time and memory of everything that this process started, from a /proc that none of it can
    see.

    What each of them has in common with the warm process, which is most of it, is not counted as
    memory.
    """

    def __init__(self) -> None:
        self.folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        self.first = os.readlink("/proc/self")
        self.tick, self.page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGESIZE")
        self.common = self.usage(self.first)[1]

    def take(self) -> tuple[float, int]:
        """CPU seconds, those of ended children included, and bytes of memory, all processes
        together.
        """
        seconds, memory, waiting = 0.0, 0, self.children(self.first)
        while waiting:
            pid = waiting.pop()
            with contextlib.suppress(OSError):  # it may end at any time
                used, resident = self.usage(pid)
                seconds, memory = seconds + used, memory + max(0, resident - self.common)
                waiting += self.children(pid)
        return seconds, memory

    def usage(self, pid: str) -> tuple[float, int]:
        words = (
            self.read(f"{pid}/stat").rpartition(")")[2].split()
        )  # from the third field of proc(5) on
        return sum(map(int, words[11:15])) / self.tick, int(words[21]) * self.page

    def children(self, pid: str) -> list[str]:
        tasks = [pid]
        if int(self.read(f"{pid}/stat").rpartition(")")[2].split()[17]) > 1:
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
