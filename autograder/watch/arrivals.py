"""What has arrived in `submitted/`, whole: found by looking, again and again.

A look lists the folders and asks the file system about three files in each; nothing is read that is
as it was at the last look. Events of the kernel (inotify) would tell no more: they do not come for
what another machine writes to a network file system, they do not say that a copy is complete, and
what came while nobody watched has to be found by looking all the same.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from autograder.gradebook.timestamps import TIMESTAMP
from autograder.grading.submission import counts, renamed

LOOK = 0.5  # seconds between two looks; more where a look takes long
PATIENCE = 15  # times the settling time, for what cannot be read: a copy may have stalled

Signature = tuple[tuple[int, int, int, int] | None, ...]


@dataclass(frozen=True)
class Folder:
    """A student's folder of one assignment."""

    path: Path
    student: str
    slug: str

    def signature(self) -> Signature:
        """What changes when anything that counts in it does; all None where there is nothing."""
        names = (f"{self.slug}.ipynb", f"{self.slug}.py", TIMESTAMP)
        notebook, module, moment = (_signature(self.path / name) for name in names)
        if notebook is None and module is None:  # what people and browsers rename counts as well
            notebook = _signature(counts(self.path, self.slug))
        elif module is None:  # also beside a notebook without code, which is not read for that
            other = renamed(self.path, self.slug)
            module = _signature(other) if other is not None else None
        return (notebook, module, moment)


def _signature(path: Path) -> tuple[int, int, int, int] | None:
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@dataclass
class Seen:
    """A signature, since when it has been that (`time.monotonic`), and what became of it.

    done: somebody has dealt with it
    not_now: since when and until when it is not to be named, in seconds since the epoch
    deferred: nothing can be done about it until then
    """

    signature: Signature
    since: float
    done: bool = False
    not_now: tuple[float, float] = (0.0, 0.0)
    deferred: bool = False

    def waits(self) -> bool:
        """Whether it is not to be named yet. A clock that was set back, to before it was put off,
        makes nobody wait.
        """
        return self.not_now[0] <= time.time() < self.not_now[1]


class Arrivals:
    """Finds what is new and has settled.

    submitted: the folder in nbgrader's layout, <student>/<assignment>/
    slugs: the assignments to look for
    settle: seconds for which a folder must look the same, by this process's clock
    """

    def __init__(self, submitted: Path, slugs: list[str], settle: float) -> None:
        self.submitted, self.slugs, self.settle = submitted, slugs, settle
        self._seen: dict[Folder, Seen] = {}

    def look(self) -> list[Folder]:
        """The folders that have something, are settled, and are not `done`; longest seen first."""
        now, seen = time.monotonic(), {}
        for folder in self._folders():
            signature = folder.signature()
            if signature[0] is None and signature[1] is None:
                continue  # nothing that counts, yet
            before = self._seen.get(folder)
            same = before is not None and before.signature == signature
            seen[folder] = before if same and before is not None else Seen(signature, now)
        self._seen = seen
        ready = [
            (one.since, folder.student, folder)
            for folder, one in seen.items()
            if not one.done and now - one.since >= self.settle and not one.waits()
        ]
        return [folder for _, _, folder in sorted(ready, key=lambda item: item[:2])]

    def there(self, folder: Folder) -> bool:
        """Whether the last look found something in a folder."""
        return folder in self._seen

    def waited(self, folder: Folder) -> float:
        """Seconds for which a folder has looked the same."""
        return time.monotonic() - self._seen[folder].since

    def unchanged(self, folder: Folder) -> bool:
        """Whether a folder still is what the last look saw."""
        return folder.signature() == self._seen[folder].signature

    def done(self, folder: Folder) -> None:
        """Not to be named again until it changes."""
        self._seen[folder].done = True

    def postpone(self, folder: Folder, until: float, *, deferred: bool) -> None:
        """Not to be named again until it changes, or until a time in seconds since the epoch."""
        one = self._seen[folder]
        one.not_now, one.deferred = (time.time(), until), deferred

    def quiet(self) -> bool:
        """Whether there is nothing that could be named before long."""
        return all(one.done or one.deferred for one in self._seen.values())

    def _folders(self) -> list[Folder]:
        try:
            names = sorted(name for name in os.listdir(self.submitted) if name[:1] != ".")
        except OSError:
            return []
        return [
            Folder(self.submitted / name / slug, name, slug)
            for name in names
            for slug in self.slugs
        ]
