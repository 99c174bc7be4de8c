"""One process enters a course's grades at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from autograder.course import Course
from autograder.errors import AutograderError, UsageError


@contextmanager
def only_one(course: Course) -> Iterator[None]:
    """Hold the course's lock on entering grades; UsageError where another process has it: two that
    enter one student at once may leave a wrong score. The kernel releases it when this process
    ends, however it does. AutograderError where the file system has no locks.
    """
    file = course.work / "watch" / "lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read(20).strip() or "unknown"
            what = f"another process enters grades in {course.root}: {holder}, a watch or the like"
            raise UsageError(f"{what}. One at a time: let it end, or end it.") from None
        except OSError as error:
            what = (
                f"{file} cannot be locked ({error.strerror}), so that two may enter grades at once"
            )
            mend = "Keep the course on a file system that has locks (flock)."
            raise AutograderError(f"{what}. {mend}") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
