"""What a submission's processes use, read from outside them."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CROWDED = 3  # times the wall limit, and a request ends however long it waited for a processor
SOCKET_BYTES = 256 << 10  # what one may hold in the kernel with buffers of the usual size
# of /proc/PID/status: what a process has in swap, and what the kernel keeps to find its pages by
BESIDE_PAGES = ("VmSwap:", "VmPTE:")
# of /proc/PID/smaps_rollup: pages of no file on disk, in parts where others have them too
IN_PARTS = ("Pss_Anon:", "Pss_Shmem:")
KILLED = 1 << signal.SIGKILL - 1  # among pending signals
TRIES = 3  # to find a thread that lives for long enough to be asked


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
    shared: bytes that were left out of the memory, once for each process, as the warm process's
    """

    seconds: float
    memory: int
    delays: Mapping[str, float]
    shared: int = 0


@dataclass(frozen=True)
class Process:
    """What /proc says of a process, or of a thread: whose child it is, CPU seconds, bytes in memory
    (0 where it has let go of it), threads.
    """

    parent: str
    seconds: float
    resident: int
    threads: int


class Census:
    """What everything that this process started uses, from a /proc that none of it can see.

    What each process has in common with the warm one, which is most of it, is not counted as
    memory. A process may let go of that and hold as much of its own, which `exactly` tells.

    Of what lives in the kernel, page tables are counted, since single pages far apart need as much
    for their tables, and sockets, at `SOCKET_BYTES` each.

    folder: a descriptor of /proc (None: the one of this process's own)
    most: bytes, what one process may hold: counted where its memory cannot be told, as its threads
        end before they can be asked
    """

    def __init__(self, folder: int | None = None, most: int = 0) -> None:
        self.folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY) if folder is None else folder
        self.most = most
        self.first = os.readlink("self", dir_fd=self.folder)
        self.tick, self.page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGESIZE")
        own = self.process(self.first)
        self.threads, self.common = own.threads, own.resident + self.beside_pages(self.first)
        self.reaped = reaped_seconds()
        # how long each had run at the latest taking; none where one had several threads, or where
        # there were others than before: who moves on while it is taken may not be seen
        self.ran: dict[str, str] = {}
        self.there: set[str] = set()

    def take(self, *, memory: bool = True) -> Usage:
        """CPU seconds, those of ended processes included, and bytes of memory, all together.

        memory: whether it is counted: it costs more than all the rest
        """
        seconds = reaped_seconds() - self.reaped
        held = self.sockets() * SOCKET_BYTES if memory else 0
        delays: dict[str, float] = {}
        ran: dict[str, str] = {}
        threads = 0
        seen: set[str] = set()
        shared = 0
        waiting, steady = self.children(self.first, self.threads)
        while waiting or not steady:
            if not waiting:  # some have moved on, from a thread that ended while it was asked
                waiting, steady = list(self.below() - seen), True
                continue
            pid = waiting.pop()
            seen.add(pid)
            with contextlib.suppress(OSError):  # it may end at any time
                ran[pid] = self.schedule(pid)  # first of all: who has run since is told by it
                process = self.process(pid)
                seconds += process.seconds
                threads += process.threads
                delays[pid] = delay(ran[pid])
                children, all_told = self.children(pid, process.threads)
                waiting += [child for child in children if child not in seen]
                steady = steady and all_told
                if memory:
                    own = self.held(pid, process)
                    held += own
                    shared += max(0, process.resident - own)
        self.ran = ran if threads == len(ran) and self.there == seen else {}
        self.there = seen
        return Usage(seconds, held, delays, shared)

    def nobody_ran(self) -> bool:
        """Whether nobody has run since the latest taking: then all is as it was."""
        return bool(self.ran) and all(
            text and text == self.schedule(pid) for pid, text in self.ran.items()
        )

    def number_of(self, child: int) -> str:
        """What /proc calls a child of this process, which counts from another namespace perhaps; ""
        where the kernel does not say.
        """
        for pid in self.children(self.first, self.threads)[0]:
            with contextlib.suppress(OSError):
                names = re.findall(r"^NSpid:.*\t(\d+)$", self.read(f"{pid}/status"), re.MULTILINE)
                if names == [str(child)]:
                    return pid
        return ""

    def sleeps(self, pid: str) -> bool:
        """Whether a process waits for something, and nobody has killed or stopped it: who has been
        is not gone at once.
        """
        with contextlib.suppress(OSError):
            words = self.read(f"{pid}/stat").rpartition(")")[2].split()
            return words[0] == "S" and not int(words[28]) & KILLED
        return False

    def held(self, pid: str, process: Process) -> int:
        """Bytes that a process holds, without what it shares with the warm one."""
        if process.resident or process.threads == 1:
            return max(0, process.resident + self.beside_pages(pid) - self.common)
        for _ in range(TRIES):  # its first thread has ended, and tells nothing any more
            for task in self.tasks(pid):
                with contextlib.suppress(OSError):
                    name = f"{pid}/task/{task}"
                    if resident := self.process(name).resident:
                        return resident + self.beside_pages(name)
        return self.most

    def exactly(self, pids: Iterable[str]) -> int:
        """Bytes that processes hold together, a page that several share counted once, without what
        may be the warm one's. That takes a walk through all their pages; 0 where the kernel does
        not say.
        """
        held = 0
        for pid in pids:
            try:
                rows = map(str.split, self.read(f"{pid}/smaps_rollup").splitlines())
                held += sum(int(row[1]) << 10 for row in rows if row[0] in IN_PARTS)
                held += self.beside_pages(pid)
            except PermissionError:  # it does not want to be looked into
                with contextlib.suppress(OSError):
                    held += self.process(pid).resident
            except OSError:  # it may end at any time
                pass
        return max(0, held - self.common)

    def schedule(self, pid: str) -> str:
        """How long a process has run and waited, its first thread alone; "" where the kernel does
        not say.
        """
        with contextlib.suppress(OSError):
            return self.read(f"{pid}/schedstat")
        return ""

    def sockets(self) -> int:
        """How many sockets there are in the box's network namespace, those on their way included;
        0 where the kernel does not say.
        """
        with contextlib.suppress(OSError):
            words = self.read(f"{self.first}/net/sockstat").split()
            if words[:2] == ["sockets:", "used"]:
                return int(words[2])
        return 0

    def process(self, pid: str) -> Process:
        """A process; or a thread, by its folder."""
        words = (
            self.read(f"{pid}/stat").rpartition(")")[2].split()
        )  # from the third field of proc(5) on
        seconds = sum(map(int, words[11:15])) / self.tick
        return Process(words[1], seconds, int(words[21]) * self.page, int(words[17]))

    def beside_pages(self, pid: str) -> int:
        """Bytes that a process holds and that are no pages of its own in memory."""
        rows = map(str.split, self.read(f"{pid}/status").splitlines())
        return sum(int(row[1]) << 10 for row in rows if row and row[0] in BESIDE_PAGES)

    def children(self, pid: str, threads: int) -> tuple[list[str], bool]:
        """The children of a process, and whether these are all: each is a thread's, and another's
        once that one has ended.
        """
        found, all_told = [], True
        for task in self.tasks(pid) if threads > 1 else [pid]:
            try:
                found += self.read(f"{pid}/task/{task}/children").split()
            except OSError:
                all_told = threads == 1
        return found, all_told

    def tasks(self, pid: str) -> list[str]:
        """The threads of a process."""
        folder = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.folder)
        try:
            return os.listdir(folder)
        finally:
            os.close(folder)

    def below(self) -> set[str]:
        """Every process that this one has started, and theirs, by what each says of its parent. It
        is asked where the list of children cannot be had: it costs a look at every process.
        """
        families: dict[str, list[str]] = {}
        for pid in filter(str.isdigit, os.listdir(self.folder)):
            with contextlib.suppress(OSError, IndexError):
                families.setdefault(self.process(pid).parent, []).append(pid)
        found, waiting = set(), [self.first]
        while waiting:
            children = families.pop(waiting.pop(), [])
            found.update(children)
            waiting += children
        return found

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


def delay(schedule: str) -> float:
    """Seconds that a process waited for a processor; 0.0 where the kernel does not say."""
    with contextlib.suppress(ValueError, IndexError):
        return int(schedule.split()[1]) / 1e9
    return 0.0


def longest_wait(now: Mapping[str, float], before: Mapping[str, float]) -> float:
    """The most that one process waited for a processor between two takings of the census."""
    return max((delay - before.get(pid, 0.0) for pid, delay in now.items()), default=0.0)
