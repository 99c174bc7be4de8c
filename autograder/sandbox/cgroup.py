"""A control group of its own for every box, where this machine lets the grader make one.

The kernel then keeps the account of what a box uses: CPU time and memory of all its processes, dead
ones and kernel memory included. It takes a part of cgroup version 2 that the grader may write to,
and in which it is alone, as in

    systemd-run --user --scope -p Delegate=yes autograder grade ...

Without one, the census of `inside/meter.py` counts. It looks at processes from outside, and what it
cannot see is denied by `seccomp.py`.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from autograder.limits import Limits
from autograder.sandbox.inside.walls import WRITABLE

GET_ONE = "systemd-run --user --scope -p Delegate=yes autograder grade ..."
GRADER = "autograder-grader"  # a group with groups in it may hold no process: the grader moves here
CONTROLLERS = ("cpu", "memory", "pids")
NEEDED = ("memory", "pids")
PATIENCE_SECONDS = 2.0  # for the processes of a group that was killed to be gone


@dataclass
class Group:
    """The control group of one box.

    descriptors: as `inside.meter.Group` has them: to enter it, its CPU time, its memory's events
    """

    folder: Path
    descriptors: list[int]

    def cpu_used(self) -> int:
        """Microseconds of all that were ever in it; 0 where the kernel does not say."""
        with suppress(OSError, KeyError, ValueError):
            lines = (self.folder / "cpu.stat").read_text().splitlines()
            return int(dict(line.split() for line in lines)["usage_usec"])
        return 0

    def let_go(self) -> None:
        """Close the descriptors; the box has its own."""
        while self.descriptors:
            os.close(self.descriptors.pop())


@dataclass
class Groups:
    """The folder in which boxes get their groups.

    starter: the process that found it: it removes, at the end, what any of its forks has made
    """

    folder: Path
    starter: int = field(default_factory=os.getpid)
    _numbers: Iterable[int] = field(default_factory=itertools.count)
    _old: list[Path] = field(default_factory=list)

    @classmethod
    def find(cls, needed: Sequence[str] = NEEDED) -> Groups | None:
        """Where groups can be made with what is `needed`; None where they cannot.

        It is tried, and nothing is left changed where it fails.
        """
        own = own_folder()
        if own is None:
            return None
        if own.name == GRADER:  # an earlier sandbox of this process has moved it
            return cls(own.parent)
        with suppress(OSError):
            if set(needed) <= set((own / "cgroup.controllers").read_text().split()):
                return cls._move_out_of(own, needed)
        return None

    @classmethod
    def _move_out_of(cls, own: Path, needed: Sequence[str]) -> Groups | None:
        """Leave `own` to the groups, the grader in one of its own; None where that does not do."""
        (own / GRADER).mkdir(exist_ok=True)
        made = own / f"autograder-probe-{os.getpid()}"
        try:
            (own / GRADER / "cgroup.procs").write_text(str(os.getpid()))
            for controller in CONTROLLERS:
                with suppress(OSError):
                    (own / "cgroup.subtree_control").write_text(f"+{controller}")
            made.mkdir()
            present = set((made / "cgroup.controllers").read_text().split())
            made.rmdir()
            if set(needed) <= present:
                return cls(own)
        except OSError:
            pass
        with suppress(OSError):
            (own / "cgroup.procs").write_text(str(os.getpid()))
            (own / GRADER).rmdir()
        return None

    def make(self, limits: Limits) -> Group:
        """A group for one box, bounded like the box."""
        self.sweep()
        number = next(iter(self._numbers))
        folder = self.folder / f"autograder-{self.starter}-{os.getpid()}-{number}"
        folder.mkdir()
        bounds: dict[str, object] = {"memory.swap.max": 0, "memory.oom.group": 1}
        if limits.memory_bytes is not None:
            files = sum(limits.tmp_bytes // part for part, _ in WRITABLE.values())
            bounds["memory.max"] = 2 * limits.memory_bytes + files  # as the census has it
        if limits.processes is not None:
            bounds["pids.max"] = limits.processes
        for name, bound in bounds.items():
            with suppress(OSError):
                (folder / name).write_text(str(bound))
        descriptors = [os.open(folder / "cgroup.procs", os.O_WRONLY)]
        for name in ("cpu.stat", "memory.events"):
            with suppress(OSError):
                descriptors.append(os.open(folder / name, os.O_RDONLY))
        return Group(folder, descriptors)

    def retire(self, group: Group) -> None:
        """A group whose box was closed: it goes when its last process has."""
        group.let_go()
        self._old.append(group.folder)
        self.sweep()

    def sweep(self) -> None:
        """Remove the retired groups that are empty."""
        self._old = [folder for folder in self._old if not removed(folder)]

    def close(self) -> None:
        """Remove every group of this grader and its forks, and what may still run in one."""
        if os.getpid() != self.starter:
            return
        left = list(self.folder.glob(f"autograder-{self.starter}-*"))
        for folder in left:
            with suppress(OSError):
                (folder / "cgroup.kill").write_text("1")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (left := [one for one in left if not removed(one)]) and time.monotonic() < deadline:
            time.sleep(0.01)


def removed(folder: Path) -> bool:
    """Remove a group; whether it is gone."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def own_folder() -> Path | None:
    """The folder of the group of version 2 in which this process is."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        own = next(line[3:] for line in lines if line.startswith("0::"))
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            before, _, after = line.partition(" - ")
            root, where = before.split()[3:5]
            if after.startswith("cgroup2 ") and Path(own).is_relative_to(root):
                return Path(where) / Path(own).relative_to(root)
    return None
